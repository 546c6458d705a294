# The CUDA compiler, the Toolkit's libraries and LibTorch with CUDA: those that CUDACXX and CMAKE_PREFIX_PATH name, else those of the
# private prefix that tools/setup --cuda makes, else nvcc on PATH. LibTorch's own package file is not used: it brings its own search
# for CUDA, its own flags for nvcc and far more libraries than are linked here.
set(cuda_prefix ${PROJECT_SOURCE_DIR}/.cuda)
if(DEFINED ENV{FLASHPHASE_CUDA_PREFIX})
  set(cuda_prefix $ENV{FLASHPHASE_CUDA_PREFIX})
endif()

set(nvcc ${cuda_prefix}/nvidia/cu13/bin/nvcc)
if(DEFINED ENV{CUDACXX})
  set(nvcc $ENV{CUDACXX})
endif()
if(EXISTS ${nvcc})
  set(CMAKE_CUDA_COMPILER ${nvcc} CACHE FILEPATH "")
else()
  find_program(CMAKE_CUDA_COMPILER nvcc PATHS /usr/local/cuda/bin)
endif()
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "no CUDA compiler: run tools/setup --cuda, or put nvcc on PATH")
endif()
set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER} CACHE FILEPATH "")
set(CMAKE_CUDA_ARCHITECTURES "80-real;90" CACHE STRING "Machine code for 8.0 and 9.0, and PTX for all that is newer")
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)  # LibTorch's: one runtime in the process
if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
enable_language(CUDA)
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # CMake 3.25 knows none
add_library(CUDA::nvToolsExt INTERFACE IMPORTED)  # gone from the Toolkit; without it CMake 3.25 stops in the next line
find_package(CUDAToolkit REQUIRED)

find_library(TORCH_CUDA_LIBRARY torch_cuda PATHS ${cuda_prefix}/torch PATH_SUFFIXES lib)
if(NOT TORCH_CUDA_LIBRARY)
  message(FATAL_ERROR "no LibTorch with CUDA: run tools/setup --cuda, or name its folder in CMAKE_PREFIX_PATH")
endif()
cmake_path(GET TORCH_CUDA_LIBRARY PARENT_PATH torch_lib)
cmake_path(GET torch_lib PARENT_PATH torch_root)
set(TORCH_INCLUDE_DIRS ${torch_root}/include ${torch_root}/include/torch/csrc/api/include)
# The system's libstdc++ goes first: LibTorch exports parts of one of its own (std::filesystem among them), which crash in other
# hands. Its CUDA half registers itself when it is loaded, though no symbol of it may be used.
set(TORCH_LIBRARIES
    -Wl,--push-state,--no-as-needed -lstdc++ -Wl,--pop-state
    ${torch_lib}/libtorch.so ${torch_lib}/libtorch_cpu.so ${torch_lib}/libc10.so ${torch_lib}/libc10_cuda.so
    -Wl,--push-state,--no-as-needed ${TORCH_CUDA_LIBRARY} -Wl,--pop-state)
message(STATUS "CUDA ${CUDAToolkit_VERSION}: ${CMAKE_CUDA_COMPILER}; LibTorch: ${torch_root}")
