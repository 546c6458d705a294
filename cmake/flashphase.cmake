# Compile and link settings of our own code; vendor code does not see them.
add_library(flashphase_settings INTERFACE)
target_include_directories(flashphase_settings INTERFACE ${PROJECT_SOURCE_DIR})
set(warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-psabi)
if(FLASHPHASE_WARNINGS_ARE_ERRORS)
  list(APPEND warnings -Werror)
  set(nvcc_werror --Werror=all-warnings)
endif()
list(JOIN warnings "," nvcc_warnings)
string(REPLACE "-Wpedantic," "" nvcc_warnings ${nvcc_warnings})  # the line directives that nvcc writes are not pedantic
target_compile_options(flashphase_settings INTERFACE
  "$<$<COMPILE_LANGUAGE:C,CXX>:${warnings}>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${nvcc_warnings};${nvcc_werror};--expt-relaxed-constexpr;-lineinfo>")
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

# flashphase_cuda_sources(library CUDA a.cu cuda_b.cpp ... ELSE no_cuda_b.cpp ... LIBRARIES ...): sources of a library with CUDA and, in their
# place, without. The CUDA sources make a library of their own, so that the flags of all the others are the same in every preset.
function(flashphase_cuda_sources library)
  cmake_parse_arguments(arg "" "" "CUDA;ELSE;LIBRARIES" ${ARGN})
  if(NOT FLASHPHASE_CUDA)
    target_sources(${library} PRIVATE ${arg_ELSE})
    return()
  endif()
  if(NOT TARGET ${library}_cuda)
    add_library(${library}_cuda STATIC)
    target_link_libraries(${library}_cuda PUBLIC ${library} PRIVATE CUDA::cudart CUDA::cufft CUDA::nvtx3)
    target_link_libraries(${library} PRIVATE ${library}_cuda)
  endif()
  target_sources(${library}_cuda PRIVATE ${arg_CUDA})
  target_link_libraries(${library}_cuda PRIVATE ${arg_LIBRARIES})
endfunction()

# flashphase_program(name SOURCES ... LIBRARIES ...): a command-line program in build/<preset>/bin.
function(flashphase_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE flashphase_settings ${arg_LIBRARIES})
endfunction()

# flashphase_test(name [GPU] [TOGETHER] SOURCES ... LIBRARIES ...): a GoogleTest program; each TEST is one ctest entry named <name>.<test>.
# TOGETHER: the program is one entry, named <name>, and tests/count_results.py counts its tests: starting LibTorch takes a second each time.
# GPU: built with CUDA alone; they need a GPU, carry the label gpu and skip themselves where there is none; <name> ends in _gpu, by which
# tools/gpu-check finds them.
function(flashphase_test name)
  cmake_parse_arguments(arg "GPU;TOGETHER" "" "SOURCES;LIBRARIES" ${ARGN})
  if(arg_GPU AND NOT FLASHPHASE_CUDA)
    return()
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  target_link_libraries(test_${name} PRIVATE flashphase_settings ${arg_LIBRARIES} GTest::gmock_main)
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(labels "")
  if(arg_GPU)
    if(NOT name MATCHES "_gpu$")
      message(FATAL_ERROR "a test that needs a GPU has a name that ends in _gpu, not ${name}")
    endif()
    set(labels LABELS gpu)
  endif()
  set(properties ${labels} ENVIRONMENT "FLASHPHASE_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
  if(arg_TOGETHER)
    add_test(NAME ${name} COMMAND test_${name} --gtest_brief=1 --gtest_output=xml:${CMAKE_BINARY_DIR}/tests/${name}.xml)
    set_tests_properties(${name} PROPERTIES TIMEOUT 900 ${properties})
  else()
    gtest_discover_tests(test_${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 300 ${properties})
  endif()
endfunction()
