# Files as functions of the program: cmake -DOUT=FILE.cpp -DHEADER=INCLUDE -DNAMESPACE=NS
#   -DFILES=name=path|name=path -P EmbedFiles.cmake
string(REPLACE "|" ";" FILES "${FILES}")
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(entry IN LISTS FILES)
  string(FIND "${entry}" "=" at)
  string(SUBSTRING "${entry}" 0 ${at} name)
  math(EXPR at "${at} + 1")
  string(SUBSTRING "${entry}" ${at} -1 path)
  file(READ "${path}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text
    "namespace {\nconst unsigned char k_${name}[] = {${bytes}0};\n}\n"
    "std::string_view ${name}() {\n"
    "  return {reinterpret_cast<const char*>(k_${name}), sizeof k_${name} - 1};\n}\n")
endforeach()
file(WRITE "${OUT}" "${text}}\n")
