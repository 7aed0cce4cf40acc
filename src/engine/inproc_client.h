#pragma once

#include <memory>

#include "engine/engine_core.h"
#include "engine/engine_core_client.h"

namespace quire {

// The engine core on a thread of this process, between two mailboxes. The thread sleeps while there
// is no work.
std::unique_ptr<EngineCoreClient> make_inproc_client(std::unique_ptr<EngineCore> core);

}  // namespace quire
