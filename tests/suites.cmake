# Run after the build of a test program (cmake -P): writes one ctest entry for each test suite of it.
# A program that links LibTorch needs half a second of processor time before its first test, so an
# entry for each test (gtest_discover_tests) would cost more than the tests.
#   -DPROGRAM=... -DPREFIX=... -DOUT=... -DTIMEOUT=... -DLABEL=... -DENVIRONMENT=...
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE listed RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} cannot list its tests")
endif()
string(REPLACE ";" "\\;" listed "${listed}")
string(REPLACE "\n" ";" lines "${listed}")
set(text "")
foreach(line IN LISTS lines)
  # `Suite.` or `Instance/Suite.  # TypeParam = ...`; tests are indented.
  if(line MATCHES "^([A-Za-z0-9_/]+)\\.")
    set(suite "${CMAKE_MATCH_1}")
    string(APPEND text "add_test([=[${PREFIX}.${suite}]=] [=[${PROGRAM}]=] [=[--gtest_filter=${suite}.*]=])\n"
      "set_tests_properties([=[${PREFIX}.${suite}]=] PROPERTIES TIMEOUT ${TIMEOUT} LABELS ${LABEL} ENVIRONMENT ${ENVIRONMENT})\n")
  endif()
endforeach()
file(WRITE ${OUT} "${text}")
