#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "server/http_message.h"

namespace quire::server {

// A switch of the query: 1, true, yes or on, 0, false, no or off. Throws InvalidArgument.
bool query_flag(const HttpRequest& request, const std::string& name, bool otherwise);

// One word of the query out of `allowed`; the first is the default. Throws InvalidArgument.
std::string_view query_choice(
    const HttpRequest& request,
    const std::string& name,
    std::initializer_list<std::string_view> allowed
);

}  // namespace quire::server
