#pragma once

// The subcommands of quire. argv[0] is the subcommand's name. Each returns the exit code, and
// throws InvalidArgument, EnvironmentError or InternalError, which main shows as one line.
int run_chat(int argc, char** argv);
int run_collect_env(int argc, char** argv);
int run_complete(int argc, char** argv);
int run_generate(int argc, char** argv);
int run_migrate_check(int argc, char** argv);
int run_render_chat(int argc, char** argv);
int run_run_batch(int argc, char** argv);
int run_serve(int argc, char** argv);
int run_tokenize(int argc, char** argv);
