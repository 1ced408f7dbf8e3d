# Run after the build of a test program (cmake -P): writes one ctest entry for each source file of it.
# A program that links LibTorch needs half a second of processor time before its first test, and tests
# of one file share what they prepare (SetUpTestSuite, a run that is trained once), so an entry for
# each test (gtest_discover_tests) would cost more than the tests.
#   -DPROGRAM=... -DPREFIX=... -DOUT=... -DTIMEOUT=... -DCOSTS="FILE SECONDS ..."
# Tests run beside one another, and what they compute is tiny: threads that wait for each other would
# take most of the processor time. Tests of threads ask for them.
set(environment "GOMP_SPINCOUNT=2000;OMP_NUM_THREADS=1")
set(document ${OUT}.json)
execute_process(COMMAND ${PROGRAM} --gtest_list_tests --gtest_output=json:${document}
  OUTPUT_QUIET RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} cannot list its tests")
endif()
file(READ ${document} document)
string(JSON suites GET "${document}" testsuites)
string(JSON count LENGTH "${suites}")
math(EXPR last "${count} - 1")
set(files "")
foreach(i RANGE ${last})
  string(JSON suite GET "${suites}" ${i})
  string(JSON name GET "${suite}" name)
  string(JSON file GET "${suite}" testsuite 0 file)
  string(REGEX REPLACE "^.*tests/[^/]+/|(_test)?\\.cpp$" "" file "${file}")
  list(APPEND files "${file}")
  list(APPEND "suites of ${file}" "${name}.*")
endforeach()
list(REMOVE_DUPLICATES files)
separate_arguments(costs UNIX_COMMAND "${COSTS}")
set(text "")
foreach(file IN LISTS files)
  list(JOIN "suites of ${file}" ":" filter)
  set(test "[=[${PREFIX}.${file}]=]")
  string(APPEND text "add_test(${test} [=[${PROGRAM}]=] [=[--gtest_filter=${filter}]=])\n"
    "set_tests_properties(${test} PROPERTIES TIMEOUT ${TIMEOUT} LABELS ${PREFIX} ENVIRONMENT [=[${environment}]=]")
  # The longest begin first, so that all processors end together.
  list(FIND costs "${file}" place)
  if(NOT place EQUAL -1)
    math(EXPR place "${place} + 1")
    list(GET costs ${place} cost)
    string(APPEND text " COST ${cost}")
  endif()
  string(APPEND text ")\n")
endforeach()
file(WRITE ${OUT} "${text}")
