# quire_embed_text(quire_server openapi_parts a.json b.json): generates a source with
#   namespace quire::server { const std::vector<std::string_view>& openapi_parts(); }
# which returns the contents of the files in their order, and adds it to the target.
function(quire_embed_text TARGET FUNCTION)
  set(literals "")
  foreach(file IN LISTS ARGN)
    file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${file} text)
    string(APPEND literals "      R\"quire_text(${text})quire_text\",\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${FUNCTION}.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
#include <string_view>
#include <vector>

namespace quire::server {
const std::vector<std::string_view>& @FUNCTION@();
const std::vector<std::string_view>& @FUNCTION@() {
  static const std::vector<std::string_view> texts = {
@literals@  };
  return texts;
}
}  // namespace quire::server
]])
  target_sources(${TARGET} PRIVATE ${source})
endfunction()
