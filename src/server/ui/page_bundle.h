#pragma once

// Written by ui/build.mjs together with index.html.gz.
namespace quire::server {

inline constexpr char kPageEtag[] = "\"4d9352503a7f8bba34a206cd058863c8\"";
inline constexpr char kPagePolicy[] =
    "default-src 'none'; "
    "script-src 'sha256-FQSN/WfXdBhbhUHmYgp9T9cajppqSCNHQQEvSwU+4GQ='; "
    "style-src 'sha256-dZyItNJhuimgg+hy2RmZH3F5+q/tR+TvapfZQRoUX8U='; "
    "connect-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types dompurify";

}  // namespace quire::server
