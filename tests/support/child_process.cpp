#include "support/child_process.h"

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace quire::test {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {ends[0], ends[1]};
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> command) {
  std::signal(SIGPIPE, SIG_IGN);  // a child that left early is seen in its exit code
  const Pipe in = make_pipe();
  const Pipe out = make_pipe();
  const std::string err = (dir_.path() / "stderr").string();
  std::vector<char*> argv;
  for (std::string& word : command)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    ::dup2(in.read_end, STDIN_FILENO);
    ::dup2(out.write_end, STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    ::setenv("HF_HUB_OFFLINE", "1", 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(in.read_end);
  ::close(out.write_end);
  stdin_ = in.write_end;
  stdout_ = out.read_end;
}

ChildProcess::~ChildProcess() {
  close_fd(stdin_);
  close_fd(stdout_);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProcess::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(stdin_, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

void ChildProcess::close_stdin() {
  close_fd(stdin_);
}

bool ChildProcess::read_some() {
  char buffer[4096];
  const ssize_t count = ::read(stdout_, buffer, sizeof(buffer));
  if (count <= 0) return false;
  out_.append(buffer, static_cast<size_t>(count));
  return true;
}

bool ChildProcess::read_until(std::string_view text) {
  while (out_.find(text) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

void ChildProcess::signal(int number) {
  ::kill(pid_, number);
}

ProcessResult ChildProcess::wait() {
  close_stdin();
  while (read_some()) {
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  ProcessResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = out_;
  std::ostringstream err;
  err << std::ifstream(dir_.path() / "stderr", std::ios::binary).rdbuf();
  result.err = err.str();
  return result;
}

ProcessResult run_process(std::vector<std::string> command, std::string_view input) {
  ChildProcess process(std::move(command));
  process.write(input);
  return process.wait();
}

}  // namespace quire::test
