# SPDX-License-Identifier: Apache-2.0
#
# Flags for our own targets. They hang on two INTERFACE targets that are linked PRIVATE and are not exported, so nothing
# here reaches a user of the library or changes a global flag.
#
#   natsproto_build_options        every target: warnings, hardening, sanitizers
#   natsproto_executable_options   executables as well: hardening of the linked file

add_library(natsproto_build_options INTERFACE)
add_library(natsproto_executable_options INTERFACE)

if(PROJECT_IS_TOP_LEVEL OR NATSPROTO_WERROR)
  target_compile_options(
    natsproto_build_options
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wshadow
              -Wconversion
              -Wsign-conversion
              -Wdouble-promotion
              -Wold-style-cast
              -Wcast-align
              -Wcast-qual
              -Wnon-virtual-dtor
              -Woverloaded-virtual
              -Wextra-semi
              -Wformat=2
              -Wimplicit-fallthrough
              -Wunused)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(natsproto_build_options INTERFACE -Wduplicated-cond -Wlogical-op)
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      # g++ 12 warns about std::string's own operator+ and insert (GCC bug 105651).
      target_compile_options(natsproto_build_options INTERFACE -Wno-restrict)
    endif()
  endif()
endif()
if(NATSPROTO_UNITY AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # It would warn of names in another file of the same piece.
  target_compile_options(natsproto_build_options INTERFACE -Wno-shadow)
endif()
if(NATSPROTO_WERROR)
  target_compile_options(natsproto_build_options INTERFACE -Werror)
endif()

if(NATSPROTO_BUILD_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "NATSPROTO_BUILD_FUZZ needs clang: libFuzzer is a part of it")
  endif()
  if(NOT NATSPROTO_SANITIZE)
    set(NATSPROTO_SANITIZE "fuzzer-no-link,address,undefined")
  endif()
endif()

if(NATSPROTO_SANITIZE)
  # A target's property NATSPROTO_LEAVE_OUT says which of them its own code is without: nothing, "undefined" or "all". (An
  # option of the target itself would stand before this one, and do nothing.)
  set(leave_out "$<TARGET_PROPERTY:NATSPROTO_LEAVE_OUT>")
  string(REPLACE "," ";" others "${NATSPROTO_SANITIZE}")
  list(REMOVE_ITEM others undefined)
  list(JOIN others "," others)
  target_compile_options(
    natsproto_build_options
    INTERFACE "$<$<STREQUAL:${leave_out},>:-fsanitize=${NATSPROTO_SANITIZE}>"
              "$<$<STREQUAL:${leave_out},undefined>:$<$<BOOL:${others}>:-fsanitize=${others}>>" -fno-omit-frame-pointer
              -fno-sanitize-recover=all)
  unset(leave_out)
  unset(others)
  # Instrumented code makes g++ 12 see uninitialised members inside the standard library (std::regex, std::function).
  target_compile_options(natsproto_build_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(natsproto_build_options INTERFACE -fsanitize=${NATSPROTO_SANITIZE})
  target_compile_definitions(natsproto_build_options INTERFACE _GLIBCXX_ASSERTIONS)
else()
  # Not in targets that ask for no optimisation: _FORTIFY_SOURCE warns there.
  set(optimized
      "$<AND:$<CONFIG:Release,RelWithDebInfo,MinSizeRel>,$<NOT:$<BOOL:$<TARGET_PROPERTY:NATSPROTO_UNOPTIMIZED>>>>")
  target_compile_options(
    natsproto_build_options INTERFACE -fstack-protector-strong "$<${optimized}:-U_FORTIFY_SOURCE>"
                                      "$<${optimized}:-D_FORTIFY_SOURCE=2>")
  target_compile_definitions(natsproto_build_options INTERFACE "$<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>")
  if(UNIX AND NOT APPLE)
    target_link_options(natsproto_executable_options INTERFACE "LINKER:-z,relro" "LINKER:-z,now")
  endif()
  unset(optimized)
endif()

target_link_libraries(natsproto_executable_options INTERFACE natsproto_build_options)

# natsproto_precompile(<target> <headers>): what nearly all files of a program include is compiled once. Each file still
# includes what it uses.
function(natsproto_precompile target)
  if(NATSPROTO_PCH)
    target_precompile_headers(${target} PRIVATE ${ARGN})
    natsproto_precompiled(${target})
  endif()
endfunction()

# natsproto_precompile_as(<target> <other>): the same with what another program like it has compiled.
function(natsproto_precompile_as target other)
  if(NATSPROTO_PCH)
    target_precompile_headers(${target} REUSE_FROM ${other})
    natsproto_precompiled(${target})
  endif()
endfunction()

# A precompiled header forgets the pragma of natsproto/op.hpp.
function(natsproto_precompiled target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-mismatched-new-delete)
  endif()
endfunction()

# natsproto_leave_undefined(<target>): its own code without UBSan, which costs a third of the time to compile. For what only
# uses the library, which has it.
function(natsproto_leave_undefined target)
  if(NATSPROTO_SANITIZE MATCHES "undefined")
    set_target_properties(${target} PROPERTIES NATSPROTO_LEAVE_OUT undefined)
  endif()
endfunction()

# natsproto_compile_fast(<target>): in builds for tests its own code without sanitizers and without optimisation. For
# programs around the library, which has them: it takes half of the time to compile.
function(natsproto_compile_fast target)
  if(NATSPROTO_SANITIZE OR NATSPROTO_TEST_SUITES)
    set_target_properties(${target} PROPERTIES NATSPROTO_UNOPTIMIZED ON NATSPROTO_LEAVE_OUT all)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()
