#pragma once

#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/asio_types.h"

namespace quire::server {

// What one coroutine waits for, notified on its own thread. A notification without a waiter is kept
// for the next one; several are one.
class WakeEvent {
 public:
  // Goes on with the waiter before it returns.
  void notify() {
    is_set_ = true;
    if (const std::unique_ptr<Waiter> waiter = std::move(waiter_)) waiter->resume();
  }

  Task<> wait() {
    if (!is_set_) {
      asio::use_awaitable_t<Executor> token;
      const auto keep = [this](auto handler) {
        waiter_ = std::make_unique<WaiterOf<decltype(handler)>>(std::move(handler));
      };
      co_await asio::async_initiate<asio::use_awaitable_t<Executor>, void()>(keep, token);
    }
    is_set_ = false;
  }

 private:
  struct Waiter {
    virtual ~Waiter() = default;
    virtual void resume() = 0;
  };
  template <class Handler>
  struct WaiterOf final : Waiter {
    explicit WaiterOf(Handler given) : handler(std::move(given)) {}
    void resume() override { std::move(handler)(); }
    Handler handler;
  };

  bool is_set_ = false;
  std::unique_ptr<Waiter> waiter_;
};

}  // namespace quire::server
