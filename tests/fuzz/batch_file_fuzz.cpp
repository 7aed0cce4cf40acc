// Lines of batch files: each is a request or an error, and every record that is written of it can
// be read again.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "client/batch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace quire::client;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_batch_line(line);
  if (const auto* error = std::get_if<BatchError>(&parsed)) {
    QUIRE_CHECK(!error->code.empty() && !error->message.empty());
    const auto record = parse_batch_record(to_json(*error, "id", 3));
    QUIRE_CHECK(record && record->error_line == 3 && record->custom_id == error->custom_id);
  } else {
    const auto& request = std::get<BatchRequest>(parsed);
    const auto record =
        parse_batch_record(to_json(BatchResponse{"id", request.custom_id, 200, "r", request.body}));
    QUIRE_CHECK(record && record->custom_id == request.custom_id && record->status_code == 200);
  }
  (void)parse_batch_record(line);
  return 0;
}
