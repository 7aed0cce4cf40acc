#pragma once

// What libquire.so shows to those who link it: all of the public headers, and single names of
// others. Everything else is compiled with hidden visibility.
#define QUIRE_API [[gnu::visibility("default")]]
