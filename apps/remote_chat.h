#pragma once

#include <optional>
#include <string>

#include "apps/remote_model.h"

namespace quire::cli {

// `quire chat --url`: a conversation whose answers come from a server. With `quick` one question;
// else questions from standard input until its end or /exit. Returns the exit code.
int chat_with_server(
    RemoteModel& model,
    const std::optional<std::string>& system_prompt,
    const std::optional<std::string>& quick
);

}  // namespace quire::cli
