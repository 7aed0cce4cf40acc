#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace quire::test {

// Writes a key and a certificate for "localhost" that it signs itself.
void write_certificate(const std::filesystem::path& key, const std::filesystem::path& certificate);

// A client that trusts one certificate. Throws std::runtime_error where TLS fails.
class TlsClient {
 public:
  struct Identity {  // its own, if the server asks for one
    std::filesystem::path key;
    std::filesystem::path certificate;
  };
  // With `earlier`, it resumes the session of that client, which has read an answer.
  TlsClient(
      int port,
      const std::filesystem::path& trusted_certificate,
      const Identity* identity = nullptr,
      const TlsClient* earlier = nullptr
  );
  ~TlsClient();

  void send(const std::string& bytes);
  std::string read_until(const std::string& text);  // what came, if the connection ends before
  bool was_resumed() const;
  std::string protocol() const;  // as ALPN agreed, "http/1.1"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire::test
