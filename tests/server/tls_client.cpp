#include "server/tls_client.h"

#include <cstdio>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

namespace quire::test {
namespace {

constexpr long kDay = 24 * 60 * 60;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

using File = std::unique_ptr<FILE, decltype(&std::fclose)>;

File create(const std::filesystem::path& path) {
  return {std::fopen(path.c_str(), "w"), &std::fclose};
}

}  // namespace

void write_certificate(const std::filesystem::path& key, const std::filesystem::path& certificate) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(
      EVP_EC_gen("P-256"), &EVP_PKEY_free
  );
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), kDay);
  X509_NAME* const name = X509_get_subject_name(x509.get());
  const auto* const host = reinterpret_cast<const unsigned char*>("localhost");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_set_pubkey(x509.get(), pair.get());
  require(X509_sign(x509.get(), pair.get(), EVP_sha256()) > 0, "X509_sign");
  const File key_file = create(key);
  PEM_write_PrivateKey(key_file.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
  const File certificate_file = create(certificate);
  PEM_write_X509(certificate_file.get(), x509.get());
}

struct TlsClient::Impl {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{nullptr, &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, &SSL_free};
  int fd = -1;
  std::string received;

  ~Impl() {
    if (fd >= 0) ::close(fd);
  }
};

TlsClient::TlsClient(
    int port,
    const std::filesystem::path& trusted_certificate,
    const Identity* identity,
    const TlsClient* earlier
)
    : impl_(std::make_unique<Impl>()) {
  impl_->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = impl_->context.get();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  require(
      SSL_CTX_load_verify_locations(context, trusted_certificate.c_str(), nullptr) == 1, "verify"
  );
  if (identity != nullptr) {
    SSL_CTX_use_certificate_file(context, identity->certificate.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context, identity->key.c_str(), SSL_FILETYPE_PEM);
  }
  impl_->fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience = {.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(impl_->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(
      ::connect(impl_->fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "connect"
  );
  impl_->ssl.reset(SSL_new(context));
  const unsigned char protocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(impl_->ssl.get(), protocols, sizeof(protocols));
  SSL_set_fd(impl_->ssl.get(), impl_->fd);
  if (earlier != nullptr)
    SSL_set_session(impl_->ssl.get(), SSL_get0_session(earlier->impl_->ssl.get()));
  require(SSL_connect(impl_->ssl.get()) == 1, "SSL_connect");
}

TlsClient::~TlsClient() = default;

void TlsClient::send(const std::string& bytes) {
  const int written = SSL_write(impl_->ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
  require(written == static_cast<int>(bytes.size()), "SSL_write");
}

std::string TlsClient::read_until(const std::string& text) {
  char buffer[4096];
  while (impl_->received.find(text) == std::string::npos) {
    const int num_bytes = SSL_read(impl_->ssl.get(), buffer, sizeof(buffer));
    if (num_bytes <= 0) break;
    impl_->received.append(buffer, static_cast<size_t>(num_bytes));
  }
  const size_t found = impl_->received.find(text);
  const size_t end = found == std::string::npos ? impl_->received.size() : found + text.size();
  std::string taken = impl_->received.substr(0, end);
  impl_->received.erase(0, end);
  return taken;
}

bool TlsClient::was_resumed() const {
  return SSL_session_reused(impl_->ssl.get()) == 1;
}

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(impl_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace quire::test
