# Texts as one table of the program: cmake -DOUT=FILE.cpp -DHEADER=INCLUDE -DFUNCTION=NS::NAME
#   -DFOLDER=DIR -DNAMES=a|b|c -P EmbedTexts.cmake
# FUNCTION gives {name, text of DIR/name.txt} in the order of NAMES.
string(REPLACE "|" ";" NAMES "${NAMES}")
string(REGEX MATCH "^(.*)::([^:]+)$" matched "${FUNCTION}")
set(namespace ${CMAKE_MATCH_1})
set(function ${CMAKE_MATCH_2})
set(text "#include \"${HEADER}\"\n\nnamespace ${namespace} {\nnamespace {\n")
set(rows "")
set(i 0)
foreach(name IN LISTS NAMES)
  file(READ "${FOLDER}/${name}.txt" bytes HEX)
  string(REGEX REPLACE "(0a)+$" "" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "const unsigned char k_${i}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", {reinterpret_cast<const char*>(k_${i}), sizeof k_${i} - 1}},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}" "${text}}\n"
  "const std::vector<std::pair<std::string_view, std::string_view>>& ${function}() {\n"
  "  static const std::vector<std::pair<std::string_view, std::string_view>> table = {\n${rows}  };\n"
  "  return table;\n}\n}\n")
