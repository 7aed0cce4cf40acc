# Compiler settings and the two helpers that every folder uses.

find_program(QUIRE_CCACHE ccache)
if(QUIRE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${QUIRE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${QUIRE_CCACHE})
endif()
find_program(QUIRE_MOLD mold)
if(QUIRE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(quire_flags INTERFACE)
target_compile_options(quire_flags INTERFACE -Wall -Wextra -Werror -Wno-missing-field-initializers
                                             # False alarms of g++ 12; clang knows no such warning.
                                             $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                                             -fvisibility=hidden -ffunction-sections
                                             -fdata-sections
                                             -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
target_link_options(quire_flags INTERFACE -Wl,--gc-sections)
target_include_directories(quire_flags INTERFACE ${PROJECT_SOURCE_DIR}/include
                                                 ${PROJECT_SOURCE_DIR}/src)
foreach(sanitizer IN LISTS QUIRE_SANITIZE)
  target_compile_options(quire_flags INTERFACE -fsanitize=${sanitizer} -fno-omit-frame-pointer)
  target_link_options(quire_flags INTERFACE -fsanitize=${sanitizer})
endforeach()
if(QUIRE_SANITIZE)  # which hide from g++ what is initialised
  target_compile_options(quire_flags
                         INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
if("undefined" IN_LIST QUIRE_SANITIZE)
  target_compile_options(quire_flags INTERFACE -fno-sanitize-recover=undefined)
endif()

if(QUIRE_BUILD_FUZZ)
  target_compile_options(quire_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# quire_library(base SOURCES a.cpp b.cpp DEPS quire_x): the target quire_base of src/base.
function(quire_library NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(quire_${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(quire_${NAME} PUBLIC quire_flags ${ARG_DEPS})
endfunction()

# quire_test(core SOURCES a_test.cpp DEPS quire_core): one GoogleTest program per folder.
function(quire_test NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(quire_${NAME}_test ${ARG_SOURCES})
  target_link_libraries(quire_${NAME}_test PRIVATE quire_flags ${ARG_DEPS} GTest::gmock
                                                   GTest::gtest_main)
  target_include_directories(quire_${NAME}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_test(NAME ${NAME} COMMAND quire_${NAME}_test)
endfunction()

# Flags of the instruction sets of the CPU kernels.
set(QUIRE_avx2_FLAGS -mavx2 -mfma)
set(QUIRE_avx512_FLAGS -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # its own AVX-512 header trips these warnings
  list(APPEND QUIRE_avx512_FLAGS -Wno-uninitialized -Wno-maybe-uninitialized)
endif()

# quire_isa_sources(quire_backend cpu/kernels): adds cpu/kernels_generic.cpp and, on x86-64,
# kernels_avx2.cpp and kernels_avx512.cpp, each with the flags of its instruction set and nothing
# else with them. Contraction is off because the compiler would fuse products differently in
# different tiles of one kernel.
function(quire_isa_sources TARGET PREFIX)
  set(flags -O3 -ffp-contract=off)
  target_sources(${TARGET} PRIVATE ${PREFIX}_generic.cpp)
  set_source_files_properties(${PREFIX}_generic.cpp PROPERTIES COMPILE_OPTIONS "${flags}")
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    return()
  endif()
  target_compile_definitions(${TARGET} PRIVATE QUIRE_X86_KERNELS)
  foreach(isa avx2 avx512)
    target_sources(${TARGET} PRIVATE ${PREFIX}_${isa}.cpp)
    set_source_files_properties(${PREFIX}_${isa}.cpp PROPERTIES
      COMPILE_OPTIONS "${flags};${QUIRE_${isa}_FLAGS}")
  endforeach()
endfunction()
