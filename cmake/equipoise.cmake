# The build in three functions: a library per folder, an executable per experiment, a test per folder.
# Everything is compiled for both precisions (Real = float and Real = double); an executable links one.
set(EQP_PRECISIONS f32 f64)
set(EQP_REAL_f32 float)
set(EQP_REAL_f64 double)

find_package(TBB REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost CONFIG REQUIRED COMPONENTS iostreams unit_test_framework)
find_package(xtensor REQUIRED)
find_package(xsimd REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_library(EQP_CBLAS openblas REQUIRED)
find_path(EQP_LEMON_INCLUDE lemon/network_simplex.h REQUIRED)
find_library(EQP_LEMON lemon REQUIRED)
find_library(EQP_NETCDF netcdf REQUIRED)
find_path(EQP_NETCDF_INCLUDE netcdf.h REQUIRED)
find_path(EQP_RANDOM123_INCLUDE Random123/philox.h REQUIRED)

# Ranks of mpirun share the work where MPI is there at build; autodiff/ranks.cpp alone knows it.
find_package(MPI QUIET COMPONENTS CXX)

# Just-in-time small matrix products, x86 only; BLAS serves where it is missing.
find_library(EQP_XSMM xsmm)
find_path(EQP_XSMM_INCLUDE libxsmm.h)

add_library(eqp_options INTERFACE)
target_include_directories(eqp_options INTERFACE ${PROJECT_SOURCE_DIR})
target_include_directories(eqp_options SYSTEM INTERFACE ${EQP_RANDOM123_INCLUDE} ${EQP_LEMON_INCLUDE}
                                                          ${EQP_NETCDF_INCLUDE})
target_compile_options(eqp_options INTERFACE -Wall -Wextra -Wshadow -Werror -march=native -fno-math-errno)
# Options are set by designated initialisers that leave the rest at its default; g++ 12 warns of its own
# AVX-512 intrinsics (uninitialized) and std::string (restrict, stringop), in precompiled headers of more of it.
target_compile_options(eqp_options INTERFACE -Wno-missing-field-initializers -Wno-maybe-uninitialized -Wno-uninitialized
                                             -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
if(EQP_SANITIZE)
  # The address sanitizer sees null pointers and ends of objects too; in long functions it is called instead of inlined,
  # which compiles in a third of the time.
  target_compile_options(eqp_options INTERFACE -O1 -fsanitize=address,undefined -fno-sanitize=null,object-size
                                               -fno-sanitize-recover=all --param=asan-instrumentation-with-call-threshold=300)
  target_link_options(eqp_options INTERFACE -fsanitize=address,undefined)
endif()

# Headers that most files include and none of which is ours, compiled once for all targets with the same options: files
# compile in half the time.
set(EQP_FOREIGN_HEADERS <algorithm> <cmath> <cstdint> <functional> <map> <memory> <optional> <span> <sstream> <stdexcept> <string>
                        <vector> <tbb/parallel_for.h> <tbb/task_arena.h> <xsimd/xsimd.hpp>)

# eqp_library(FOLDER [DEPENDENCY]): FOLDER/**.cpp as eqp_FOLDER_f32 and eqp_FOLDER_f64. The sources directly in
# experiments/ are executables; only its common/ goes into the library.
function(eqp_library folder)
  if(folder STREQUAL experiments)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/common/*.cpp)
  else()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  endif()
  foreach(precision ${EQP_PRECISIONS})
    set(target eqp_${folder}_${precision})
    if(sources)
      add_library(${target} STATIC ${sources})
      if(folder STREQUAL experiments)
        target_precompile_headers(${target} PRIVATE ${EQP_FOREIGN_HEADERS} <nlohmann/json.hpp>)
      elseif(folder MATCHES "^(autodiff|nn)$")
        target_precompile_headers(${target} PRIVATE ${EQP_FOREIGN_HEADERS})
      else()
        target_precompile_headers(${target} REUSE_FROM eqp_nn_${precision})
      endif()
      set(scope PUBLIC)
    else()
      add_library(${target} INTERFACE)
      set(scope INTERFACE)
    endif()
    target_link_libraries(${target} ${scope} eqp_options)
    if(ARGN)
      target_link_libraries(${target} ${scope} eqp_${ARGN}_${precision})
    else()
      target_compile_definitions(${target} ${scope} AD_REAL=${EQP_REAL_${precision}} XTENSOR_USE_XSIMD)
      target_link_libraries(${target} ${scope} TBB::tbb xtensor xsimd nlohmann_json::nlohmann_json
                            Boost::iostreams ${EQP_CBLAS} ${EQP_LEMON} Threads::Threads)
      if(EQP_XSMM AND EQP_XSMM_INCLUDE)
        target_compile_definitions(${target} PRIVATE EQP_HAVE_XSMM)
        target_include_directories(${target} SYSTEM PRIVATE ${EQP_XSMM_INCLUDE})
        target_link_libraries(${target} ${scope} ${EQP_XSMM} ${CMAKE_DL_LIBS})
      endif()
      if(MPI_CXX_FOUND)
        # Without the C++ bindings that MPI itself has given up.
        target_compile_definitions(${target} PRIVATE EQP_HAVE_MPI OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
        target_link_libraries(${target} PRIVATE MPI::MPI_CXX)
      endif()
    endif()
    if(folder STREQUAL mcmc)
      target_link_libraries(${target} ${scope} ${EQP_NETCDF})
    endif()
    if(folder STREQUAL experiments)
      target_link_libraries(${target} ${scope} CLI11::CLI11)
    endif()
  endforeach()
endfunction()

# Every experiments/*.cpp is an executable in bin/: NAME_f32 and NAME_f64.
function(eqp_experiments)
  file(GLOB sources CONFIGURE_DEPENDS experiments/*.cpp)
  foreach(source ${sources})
    cmake_path(GET source STEM name)
    foreach(precision ${EQP_PRECISIONS})
      set(target ${name}_${precision})
      add_executable(${target} ${source})
      target_link_libraries(${target} PRIVATE eqp_experiments_${precision})
      target_precompile_headers(${target} REUSE_FROM eqp_experiments_${precision})
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    endforeach()
  endforeach()
endfunction()

# What test executables share: main(), options and precompiled headers, as test_main_O1_f32 and so on. They do without
# the last optimisations, which what they call has had in its library.
function(eqp_test_main)
  foreach(optimisation O1 O2)
    foreach(precision ${EQP_PRECISIONS})
      set(target test_main_${optimisation}_${precision})
      add_library(${target} OBJECT main.cpp)
      target_link_libraries(${target} PUBLIC eqp_autodiff_${precision} Boost::unit_test_framework)
      target_compile_definitions(${target} PUBLIC BOOST_TEST_DYN_LINK EQP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
      target_compile_options(${target} PUBLIC $<$<CONFIG:Release>:-${optimisation}>)
      target_precompile_headers(${target} PRIVATE ${EQP_FOREIGN_HEADERS} <boost/test/unit_test.hpp>)
    endforeach()
  endforeach()
endfunction()

# eqp_test(FOLDER): tests/FOLDER/*.cpp as one Boost.Test executable per precision, linked to the folder's library.
function(eqp_test folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  # Those that run templates of our headers would take four times as long with -O1.
  set(optimisation O1)
  if(folder MATCHES "^(mcmc|train)$")
    set(optimisation O2)
  endif()
  foreach(precision ${EQP_PRECISIONS})
    set(target test_${folder}_${precision})
    set(main test_main_${optimisation}_${precision})
    add_executable(${target} ${sources})
    target_link_libraries(${target} PRIVATE ${main} eqp_${folder}_${precision})
    target_precompile_headers(${target} REUSE_FROM ${main})
    add_test(NAME ${folder}_${precision} COMMAND ${target})
  endforeach()
endfunction()
