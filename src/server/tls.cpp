#include "server/tls.h"

#include <fmt/format.h>

#include "quire/error.h"

namespace quire::server {
namespace {

namespace ssl = boost::asio::ssl;
using ErrorCode = boost::system::error_code;

void require(const ErrorCode& error, const char* option, const std::string& value) {
  if (!error) return;
  throw InvalidArgument(option, fmt::format("{} '{}': {}.", option, value, error.message()));
}

void load_certificate(ssl::context& context, const ServerConfig& config) {
  ErrorCode error;
  context.use_certificate_chain_file(*config.ssl_certfile, error);
  require(error, "ssl_certfile", *config.ssl_certfile);
  // Like Python's ssl: the key may stand in the certificate's file.
  const std::string& keyfile = config.ssl_keyfile ? *config.ssl_keyfile : *config.ssl_certfile;
  context.use_private_key_file(keyfile, ssl::context::pem, error);
  require(error, "ssl_keyfile", keyfile);
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    throw InvalidArgument("ssl_keyfile", "The key is not the certificate's.");
  }
}

void set_peer_verification(ssl::context& context, const ServerConfig& config) {
  if (config.ssl_cert_reqs < 0 || config.ssl_cert_reqs > 2) {
    throw InvalidArgument(
        "ssl_cert_reqs", "ssl_cert_reqs is 0 (none), 1 (optional) or 2 (required)."
    );
  }
  if (config.ssl_cert_reqs > 0 && !config.ssl_ca_certs) {
    throw InvalidArgument(
        "ssl_ca_certs", "Clients are asked for certificates: say with ssl_ca_certs who signs them."
    );
  }
  ErrorCode error;
  if (config.ssl_ca_certs) {
    context.load_verify_file(*config.ssl_ca_certs, error);
    require(error, "ssl_ca_certs", *config.ssl_ca_certs);
    SSL_CTX_set_client_CA_list(
        context.native_handle(), SSL_load_client_CA_file(config.ssl_ca_certs->c_str())
    );
  }
  constexpr int kModes[] = {
      SSL_VERIFY_NONE,
      SSL_VERIFY_PEER,
      SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
  };
  context.set_verify_mode(kModes[config.ssl_cert_reqs], error);
}

// Clients that offer protocols learn that HTTP/1.1 is spoken.
int choose_protocol(
    SSL* /*ssl*/,
    const unsigned char** chosen,
    unsigned char* size,
    const unsigned char* offered,
    unsigned int offered_size,
    void* /*argument*/
) {
  static constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, size, kHttp11, sizeof(kHttp11), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

std::unique_ptr<TlsContext> make_tls_context(const ServerConfig& config) {
  if (!config.ssl_certfile) {
    if (!config.ssl_keyfile && !config.ssl_ca_certs && config.ssl_cert_reqs == 0) return nullptr;
    throw InvalidArgument("ssl_certfile", "TLS needs a certificate: give ssl_certfile as well.");
  }
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  context->set_options(
      ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
      ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::no_compression
  );
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // idle connections stay small
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  // Without one, OpenSSL refuses to resume the session of a client that has shown a certificate.
  constexpr unsigned char kSessionIdContext[] = {'q', 'u', 'i', 'r', 'e'};
  SSL_CTX_set_session_id_context(native, kSessionIdContext, sizeof(kSessionIdContext));
  load_certificate(*context, config);
  set_peer_verification(*context, config);
  if (config.ssl_ciphers && SSL_CTX_set_cipher_list(native, config.ssl_ciphers->c_str()) != 1) {
    throw InvalidArgument(
        "ssl_ciphers", fmt::format("'{}' names no cipher that OpenSSL has.", *config.ssl_ciphers)
    );
  }
  return context;
}

}  // namespace quire::server
