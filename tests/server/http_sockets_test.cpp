#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "quire/error.h"
#include "server/http_server_fixture.h"
#include "server/tls_client.h"
#include "support/temp_dir.h"

namespace quire::server {
namespace {

using namespace std::chrono_literals;
using test::body_of;
using test::make_request;
using test::RawClient;
using test::status_of;
using test::TempDir;
using test::TlsClient;

// Where and how it listens.
class HttpSocketsTest : public test::HttpServerTest {
 protected:
  void use_tls() {
    test::write_certificate(key(), certificate());
    config_.ssl_keyfile = key();
    config_.ssl_certfile = certificate();
  }
  std::filesystem::path key() const { return dir_.path() / "key.pem"; }
  std::filesystem::path certificate() const { return dir_.path() / "certificate.pem"; }

  TempDir dir_;
};

TEST_F(HttpSocketsTest, RefusesAPortThatIsTaken) {
  serve();
  ServerConfig config = config_;
  config.port = server_->port();
  try {
    const HttpServer second(config, {});
    FAIL() << "two servers on one port";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("Address already in use"), std::string::npos);
  }
}

TEST_F(HttpSocketsTest, RefusesAHostThatThisMachineIsNot) {
  config_.host = "192.0.2.1";  // an address of documentation: nobody's
  EXPECT_THROW(HttpServer(config_, {}), EnvironmentError);
}

TEST_F(HttpSocketsTest, ServesAllAddressesWithoutAHost) {
  config_.host.reset();
  serve();
  EXPECT_EQ(status_of(ask(make_request("GET", "/v1/models"))), 200);
}

TEST_F(HttpSocketsTest, ServesFromSeveralThreads) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto note_thread = [&](const HttpRequest&, const CallContext&) -> Reply {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    return HttpResponse{};
  };
  more_routes_.push_back({"GET", "/thread", note_thread});
  config_.api_server_count = 3;
  serve();
  // The kernel deals connections out by a hash of their ports: of 100, one thread may get none only
  // in one of 10^17 runs.
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(status_of(ask(make_request("GET", "/thread"))), 200);
  EXPECT_EQ(threads.size(), 3u);
}

TEST_F(HttpSocketsTest, ServesAUnixSocketAndRemovesIt) {
  const std::string path = dir_.path() / "quire.sock";
  config_.host.reset();
  config_.uds = path;
  config_.api_server_count = 2;
  serve();
  EXPECT_EQ(server_->address(), "unix:" + path);
  for (int i = 0; i < 5; ++i) {
    RawClient client(path);
    client.send(make_request("GET", "/v1/models"));
    EXPECT_EQ(status_of(client.read_response()), 200);
  }
  EXPECT_THROW(HttpServer(config_, {}), EnvironmentError) << "the path is in use";
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(HttpSocketsTest, TakesThePathOfAServerThatWasKilled) {
  const std::string path = dir_.path() / "quire.sock";
  config_.host.reset();
  config_.uds = path;
  serve();
  // What a killed server leaves: the file, and nobody behind it.
  const std::string kept = dir_.path() / "kept.sock";
  std::filesystem::create_hard_link(path, kept);
  server_.reset();
  std::filesystem::rename(kept, path);
  serve();
  RawClient client(path);
  client.send(make_request("GET", "/v1/models"));
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(HttpSocketsTest, LeavesThePathToItsSuccessorWhileItDrains) {
  const std::string path = dir_.path() / "quire.sock";
  config_.host.reset();
  config_.uds = path;
  serve();
  RawClient streaming(path);
  streaming.send(make_request("POST", "/stream", "{}"));
  ASSERT_TRUE(engine_.wait_started(1));
  const auto first = std::move(server_);
  first->drain();
  EXPECT_FALSE(std::filesystem::exists(path)) << "clients would come to a server that ends";
  serve();
  engine_.finish(0);
  EXPECT_TRUE(first->wait_for(5.0));
  streaming.read_all();
  RawClient client(path);
  client.send(make_request("GET", "/v1/models"));
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(HttpSocketsTest, RemovesNoSocketOfAnotherServer) {
  const std::string path = dir_.path() / "quire.sock";
  config_.host.reset();
  config_.uds = path;
  serve();
  auto first = std::move(server_);
  std::filesystem::remove(path);
  serve();
  first.reset();
  RawClient client(path);
  client.send(make_request("GET", "/v1/models"));
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(HttpSocketsTest, SpeaksTls) {
  use_tls();
  serve();
  EXPECT_TRUE(server_->address().starts_with("https://"));
  TlsClient client(server_->port(), certificate());
  EXPECT_EQ(client.protocol(), "http/1.1");
  for (int i = 0; i < 2; ++i) {
    client.send(make_request("GET", "/v1/models"));
    EXPECT_NE(client.read_until(R"({"object":"list"})").find("200 OK"), std::string::npos);
  }
}

TEST_F(HttpSocketsTest, StreamsOverTlsAndNoticesThatTheClientGoes) {
  use_tls();
  serve();
  {
    TlsClient client(server_->port(), certificate());
    client.send(make_request("POST", "/stream", "{}"));
    ASSERT_TRUE(engine_.wait_started(1));
    const std::string piece(100'000, 'x');  // several records
    engine_.push(0, piece);
    engine_.push(0, "end of it");
    EXPECT_NE(client.read_until("end of it").find(piece), std::string::npos);
    EXPECT_EQ(engine_.num_dropped(), 0u);
  }
  EXPECT_TRUE(engine_.wait_dropped(1));
}

TEST_F(HttpSocketsTest, AsksClientsForCertificates) {
  use_tls();
  config_.ssl_ca_certs = certificate();
  config_.ssl_cert_reqs = 2;
  serve();
  const TlsClient::Identity identity = {key(), certificate()};
  TlsClient known(server_->port(), certificate(), &identity);
  known.send(make_request("GET", "/v1/models"));
  EXPECT_NE(known.read_until("list").find("200 OK"), std::string::npos);
  EXPECT_THROW(
      {
        TlsClient unknown(server_->port(), certificate());
        unknown.send(make_request("GET", "/v1/models"));
        if (unknown.read_until("list").empty()) throw std::runtime_error("closed");
      },
      std::runtime_error
  );
}

TEST_F(HttpSocketsTest, ResumesTheSessionOfAClientWithACertificate) {
  use_tls();
  config_.ssl_ca_certs = certificate();
  config_.ssl_cert_reqs = 2;
  serve();
  const TlsClient::Identity identity = {key(), certificate()};
  TlsClient first(server_->port(), certificate(), &identity);
  first.send(make_request("GET", "/v1/models"));
  EXPECT_NE(first.read_until("list").find("200 OK"), std::string::npos);
  TlsClient second(server_->port(), certificate(), &identity, &first);
  EXPECT_TRUE(second.was_resumed());
  second.send(make_request("GET", "/v1/models"));
  EXPECT_NE(second.read_until("list").find("200 OK"), std::string::npos);
}

TEST_F(HttpSocketsTest, ClosesATlsConnectionThatSpeaksNone) {
  use_tls();
  config_.timeout_header = 0.2;
  serve();
  RawClient plain = connect();
  plain.send(make_request("GET", "/v1/models"));
  EXPECT_TRUE(plain.is_closed_within(3s));
  EXPECT_TRUE(connect().is_closed_within(3s)) << "it says nothing at all";
}

TEST_F(HttpSocketsTest, NamesTheOptionThatIsWrong) {
  const auto field_of = [](const ServerConfig& config) -> std::string {
    try {
      const HttpServer server(config, {});
    } catch (const InvalidArgument& error) {
      return error.field();
    }
    return "";
  };
  ServerConfig config = config_;
  config.ssl_certfile = dir_.path() / "missing.pem";
  EXPECT_EQ(field_of(config), "ssl_certfile");
  config = config_;
  config.ssl_keyfile = dir_.path() / "key.pem";
  EXPECT_EQ(field_of(config), "ssl_certfile") << "a key alone";
  use_tls();
  config_.ssl_ciphers = "NO-SUCH-CIPHER";
  EXPECT_EQ(field_of(config_), "ssl_ciphers");
  config = ServerConfig{.host = "no such host"};
  EXPECT_EQ(field_of(config), "host");
  config = ServerConfig{.uds = std::string(200, 'x')};
  EXPECT_EQ(field_of(config), "uds");
}

// Lowers the number of files that the process may open, while it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &old_);
    rlimit lowered = old_;
    lowered.rlim_cur = limit;
    setrlimit(RLIMIT_NOFILE, &lowered);
  }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &old_); }

 private:
  rlimit old_ = {};
};

TEST_F(HttpSocketsTest, RestsWithoutFileDescriptorsAndGoesOn) {
  serve();
  constexpr size_t kNumClients = 20;
  constexpr rlim_t kNumFree = 5;
  std::vector<int> sockets;
  for (size_t i = 0; i < kNumClients; ++i)
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(server_->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

  auto limit = std::make_unique<FileLimit>(static_cast<rlim_t>(sockets.back()) + 1 + kNumFree);
  std::vector<RawClient> clients;
  for (const int fd : sockets) {
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    clients.push_back(RawClient::over(fd));
    clients.back().send(make_request("GET", "/v1/models"));
  }
  size_t num_answered = 0;
  std::vector<bool> was_answered;
  for (RawClient& client : clients) {
    was_answered.push_back(!client.read_until("list", 50ms).empty());
    num_answered += was_answered.back() ? 1 : 0;
  }
  EXPECT_GT(num_answered, 0u);
  EXPECT_LT(num_answered, kNumClients) << "the descriptors did not run out";
  limit.reset();
  for (size_t i = 0; i < kNumClients; ++i) {
    if (was_answered[i]) continue;
    EXPECT_NE(clients[i].read_until("list").find("200 OK"), std::string::npos) << i;
  }
}

}  // namespace
}  // namespace quire::server
