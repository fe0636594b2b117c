# sinkstream_compiler: what every translation unit is compiled with.
set(SINKSTREAM_SANITIZERS "" CACHE STRING "Sanitizers to build with, e.g. address;undefined")

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

add_library(sinkstream_compiler INTERFACE)
target_compile_features(sinkstream_compiler INTERFACE c_std_17)
target_compile_definitions(sinkstream_compiler INTERFACE
  _GNU_SOURCE SINKSTREAM_VERSION="${PROJECT_VERSION}")
target_include_directories(sinkstream_compiler INTERFACE
  "${CMAKE_SOURCE_DIR}/csrc/include" "${CMAKE_SOURCE_DIR}/csrc")
# Rounding is part of a kernel: a multiplication and an addition are fused where the code says so, nowhere else.
target_compile_options(sinkstream_compiler INTERFACE -Wall -Wextra -Werror -ffp-contract=off)
target_link_libraries(sinkstream_compiler INTERFACE Threads::Threads m ${CMAKE_DL_LIBS})

# What ships runs on any x86-64 of the last fifteen years; kernels beyond that have flags of their own.
if(SINKSTREAM_ARCHITECTURE STREQUAL "x86_64")
  target_compile_options(sinkstream_compiler INTERFACE -march=x86-64-v2)
endif()

if(SINKSTREAM_SANITIZERS)
  list(JOIN SINKSTREAM_SANITIZERS "," sanitizers)
  target_compile_options(sinkstream_compiler INTERFACE
    -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sinkstream_compiler INTERFACE -fsanitize=${sanitizers})
endif()
