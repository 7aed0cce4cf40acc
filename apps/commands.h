#pragma once

// The sub-commands of quire. argv[0] is the command's name; the value is the exit code.
namespace quire {

int run_tokenize(int argc, char** argv);
int run_render_chat(int argc, char** argv);

}  // namespace quire
