#pragma once

#include "server/requests/request_value.h"

namespace quire::server {

// False: not a field that this server knows and does not support. A value that asks for nothing
// (null, false, empty) is passed over. Throws InvalidArgument that says what to do instead.
bool refuse_field(const RequestValue& value);

}  // namespace quire::server
