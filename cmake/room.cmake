# room(NAME SOURCES … HEADERS … TESTS … BENCHMARKS … USES … HIDES … LIBS …)
#
# One folder under src/ = one namespace = one static library rankscope_NAME.
# USES are rooms whose headers this room's headers include (linked PUBLIC), HIDES
# those that only its sources include (PRIVATE), LIBS other people's libraries.
# Each header is compiled alone, the tests become one program NAME_test, of which
# each case is a ctest test of its own (the whole program is one where
# RANKSCOPE_TESTS_BY_ROOM is set: most cases cost less than the start of a
# sanitizer's process), and the declared edges are written to build/rooms/NAME,
# which the `layers` test holds against the real includes (tools/layers.py).
function(room NAME)
  cmake_parse_arguments(ROOM "" "" "SOURCES;HEADERS;TESTS;BENCHMARKS;USES;HIDES;LIBS" ${ARGN})
  set(target rankscope_${NAME})
  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    set(public PUBLIC)
    set(private PRIVATE)
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${ROOM_HEADERS})
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  else()
    add_library(${target} INTERFACE)
    set(public INTERFACE)
    set(private INTERFACE)
  endif()
  target_include_directories(${target} ${public} ${PROJECT_SOURCE_DIR}/src)
  foreach(used IN LISTS ROOM_USES)
    target_link_libraries(${target} ${public} rankscope_${used})
  endforeach()
  foreach(hidden IN LISTS ROOM_HIDES)
    target_link_libraries(${target} ${private} rankscope_${hidden})
  endforeach()
  target_link_libraries(${target} ${private} ${ROOM_LIBS})
  list(JOIN ROOM_USES " " uses)
  list(JOIN ROOM_HIDES " " hides)
  file(WRITE ${PROJECT_BINARY_DIR}/rooms/${NAME} "uses ${uses}\nhides ${hides}\n")

  if(ROOM_TESTS)
    add_executable(${NAME}_test ${PROJECT_SOURCE_DIR}/tests/unit_main.cc ${ROOM_TESTS})
    target_link_libraries(${NAME}_test PRIVATE ${target} ${ROOM_LIBS} GTest::gtest)
    set_target_properties(${NAME}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    if(RANKSCOPE_TESTS_BY_ROOM)
      add_test(NAME ${NAME} COMMAND ${NAME}_test)
      set_tests_properties(${NAME} PROPERTIES LABELS unit COST 60)
    else()
      gtest_discover_tests(${NAME}_test TEST_PREFIX ${NAME}. PROPERTIES LABELS unit DISCOVERY_TIMEOUT 60)
    endif()
  endif()

  if(ROOM_BENCHMARKS)
    add_executable(${NAME}_benchmark ${ROOM_BENCHMARKS})
    target_link_libraries(${NAME}_benchmark PRIVATE ${target} ${ROOM_LIBS} benchmark::benchmark_main)
    set_target_properties(${NAME}_benchmark PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/benchmarks)
  endif()
endfunction()
