#include "server/routes.h"

#include <iterator>
#include <utility>

#include "server/anthropic/message_routes.h"
#include "server/dev/dev_routes.h"
#include "server/openai/openai_routes.h"
#include "server/openapi/openapi_routes.h"
#include "server/responses/response_routes.h"
#include "server/ui/ui_routes.h"
#include "server/unserved_routes.h"

namespace quire::server {

std::vector<Route> make_routes(ServerState& state) {
  std::vector<Route> all;
  const auto add = [&all](std::vector<Route> routes) {
    std::move(routes.begin(), routes.end(), std::back_inserter(all));
  };
  add(make_ui_routes());
  add(make_openai_routes(state));
  add(make_responses_routes(state, make_response_store()));
  add(make_messages_routes(state));
  add(make_openapi_routes(state));
  add(make_dev_routes(state));
  add(make_unserved_routes());
  return all;
}

}  // namespace quire::server
