#pragma once

// Written by ui/build.mjs together with index.html.gz.
namespace quire::server {

inline constexpr char kPageEtag[] = "\"5e74a59286355234eda7be2b2124febd\"";
inline constexpr char kPagePolicy[] =
    "default-src 'none'; "
    "script-src 'sha256-mmBKFgcULYDcPbtTGgnRV2flXcWbJHUIgoqTXB+q0NQ='; "
    "style-src 'sha256-dZyItNJhuimgg+hy2RmZH3F5+q/tR+TvapfZQRoUX8U='; "
    "connect-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types dompurify";

}  // namespace quire::server
