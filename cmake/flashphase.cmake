# Compile and link settings of our own code; vendor code does not see them.
add_library(flashphase_settings INTERFACE)
target_include_directories(flashphase_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(flashphase_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
                       -Wno-sign-conversion -Wno-psabi)
if(FLASHPHASE_SANITIZE)
  add_compile_options(-fsanitize=${FLASHPHASE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FLASHPHASE_SANITIZE})
endif()
add_link_options(-Wl,--as-needed)

# flashphase_vector_source(target file options...): a source of vector kernels with its own instruction set. Not instrumented by
# sanitizers, under which these templates take minutes to compile; their scalar reference is, and they are tested against it.
function(flashphase_vector_source target file)
  if(FLASHPHASE_SANITIZE)
    list(APPEND ARGN -fno-sanitize=all)
  endif()
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  # Properties of sources reach a target of another folder only through TARGET_DIRECTORY.
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/${file} TARGET_DIRECTORY ${target} PROPERTIES
                              COMPILE_OPTIONS "-O3;-ffp-contract=fast;${ARGN}")
endfunction()

# flashphase_program(name SOURCES ... LIBRARIES ...): a command-line program in build/<preset>/bin.
function(flashphase_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE flashphase_settings ${arg_LIBRARIES})
endfunction()

# flashphase_test(name SOURCES ... LIBRARIES ...): a GoogleTest program; each TEST is one ctest entry named <name>.<test>.
function(flashphase_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  target_link_libraries(test_${name} PRIVATE flashphase_settings ${arg_LIBRARIES} GTest::gmock_main)
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(test_${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 300
                       ENVIRONMENT "FLASHPHASE_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()
