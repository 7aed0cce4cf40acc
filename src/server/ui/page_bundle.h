#pragma once

// Written by ui/build.mjs together with index.html.gz.
namespace quire::server {

inline constexpr char kPageEtag[] = "\"fd22b2cd91201d3e8a7c825a34585cfb\"";
inline constexpr char kPagePolicy[] =
    "default-src 'none'; "
    "script-src 'sha256-UG7AqDLt+V23sRTDCecFlaF1Om1IjBu6xejxZPtNxaA='; "
    "style-src 'sha256-dZyItNJhuimgg+hy2RmZH3F5+q/tR+TvapfZQRoUX8U='; "
    "connect-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types dompurify";

}  // namespace quire::server
