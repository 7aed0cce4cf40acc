#pragma once

// Written by ui/build.mjs together with index.html.gz.
namespace quire::server {

inline constexpr char kPageEtag[] = "\"b7864679e094b168d8db828edac3962d\"";
inline constexpr char kPagePolicy[] =
    "default-src 'none'; "
    "script-src 'sha256-zyjVj2BAXg7c90zdYjqz5RwCErneKuDBRCtrB/Rxvs8='; "
    "style-src 'sha256-sTEx/fTuGbpdwNR8eU2J9TSNxOkMFVJCRe5aVUUy93o='; "
    "connect-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types dompurify";

}  // namespace quire::server
