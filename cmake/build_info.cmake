# What a run folder's config.json says about the build. Given to one source file, so that a new commit recompiles
# that file only.
execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} describe --always --dirty --exclude=* --abbrev=12
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
elseif(EXISTS ${PROJECT_SOURCE_DIR}/.git/logs/HEAD)
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
               ${PROJECT_SOURCE_DIR}/.git/logs/HEAD)
endif()
get_target_property(flags eqp_options INTERFACE_COMPILE_OPTIONS)
string(REPLACE ";" " " flags "${CMAKE_CXX_FLAGS} -std=c++20 ${flags}")
string(GENEX_STRIP "${flags}" flags)
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
string(STRIP "${flags} ${CMAKE_CXX_FLAGS_${build_type}}" flags)
set_source_files_properties(${PROJECT_SOURCE_DIR}/experiments/common/build_info.cpp PROPERTIES
  COMPILE_DEFINITIONS "EQP_COMMIT=\"${commit}\";EQP_FLAGS=\"${flags}\"")
