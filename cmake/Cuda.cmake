# SINKSTREAM_NVCC: whether there is a CUDA compiler that can build the back end for NVIDIA GPUs. Nothing else needs one.
set(cuda_required 12.5) # cudaGetDriverEntryPointByVersion

include(CheckLanguage)
if(NOT CMAKE_CUDA_COMPILER)
  unset(CMAKE_CUDA_COMPILER CACHE) # what was not there may be now
endif()
check_language(CUDA)

set(SINKSTREAM_NVCC OFF)
if(CMAKE_CUDA_COMPILER)
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --version OUTPUT_VARIABLE nvcc_says)
  string(REGEX MATCH "release ([0-9.]+)" nvcc_says "${nvcc_says}")
  if(CMAKE_MATCH_1 VERSION_GREATER_EQUAL cuda_required)
    set(SINKSTREAM_NVCC ON)
  else()
    message(STATUS "No back end for NVIDIA GPUs: ${CMAKE_CUDA_COMPILER} is of CUDA ${CMAKE_MATCH_1}; "
      "expected ${cuda_required} or newer")
    unset(CMAKE_CUDA_COMPILER CACHE) # there may be another one on the next PATH
  endif()
endif()
