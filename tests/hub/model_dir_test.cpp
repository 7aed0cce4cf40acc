#include "hub/model_dir.h"

#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/temporary_folder.h"
#include "quire/error.h"
#include "support/loopback_hub.h"

namespace quire {
namespace {

namespace fs = std::filesystem;
using test::LoopbackHub;
using test::read_file;
using test::sha256_hex;
using test::TemporaryFolder;
using test::write_file;
using testing::AllOf;
using testing::HasSubstr;

// A hub with a small model, and a cache folder.
class ModelDir : public testing::Test {
 protected:
  ModelDir() {
    hub_.files["config.json"] = {.content = "{}"};
    hub_.files["tokenizer.json"] = {.content = R"({"version": "1.0"})"};
    hub_.files["model.safetensors"] = {.content = std::string(300'000, 'w'), .is_large = true};
    hub_.files["README.md"] = {.content = "not needed"};
    setenv("HF_ENDPOINT", hub_.endpoint().c_str(), 1);
    setenv("NO_PROXY", "127.0.0.1,localhost", 1);
    for (const char* name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"})
      unsetenv(name);
    setenv("HF_HOME", (folder_.path() / "home").c_str(), 1);
    options_.download_dir = folder_.path() / "cache";
    options_.retry_delay = std::chrono::milliseconds(1);
  }
  ~ModelDir() override {
    for (const char* name : {"HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HOME", "HF_TOKEN"})
      unsetenv(name);
  }

  fs::path resolve() { return resolve_model_dir("org/tiny", options_); }
  fs::path repo_folder() const { return *options_.download_dir / "models--org--tiny"; }
  fs::path weights_blob() const {
    return repo_folder() / "blobs" / sha256_hex(hub_.files.at("model.safetensors").content);
  }

  // What resolving throws.
  template <class Error>
  std::string error_of_resolve() {
    try {
      resolve();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  // Field and text of what is thrown for `model`.
  std::pair<std::string, std::string> refusal_of(const fs::path& model) {
    try {
      (void)resolve_model_dir(model.string(), options_);
    } catch (const InvalidArgument& error) {
      return {error.field(), error.what()};
    }
    return {"accepted", ""};
  }

  TemporaryFolder folder_;
  LoopbackHub hub_;
  HubOptions options_;
};

TEST_F(ModelDir, AnExistingFolderIsUsedAsItIs) {
  const fs::path model = folder_.path() / "model";
  fs::create_directories(model);
  write_file(model / "config.json", "{}");
  EXPECT_EQ(resolve_model_dir(model.string(), options_), model);
  EXPECT_TRUE(hub_.requests().empty());
}

TEST_F(ModelDir, AnAliasStandsForAModel) {
  write_file(folder_.path() / "model" / "config.json", "{}");
  const std::string folder = (folder_.path() / "model").string();
  setenv("QUIRE_MODEL_ALIASES", ("other=nowhere,org/tiny=" + folder).c_str(), 1);
  EXPECT_EQ(resolve(), fs::path(folder));
  unsetenv("QUIRE_MODEL_ALIASES");
}

TEST_F(ModelDir, AFolderWithoutAModelNamesThoseThatHoldOne) {
  const fs::path models = folder_.path() / "models";
  fs::create_directories(models / "a");
  EXPECT_THAT(refusal_of(models).second, HasSubstr("has no config.json"));
  write_file(models / "a" / "config.json", "{}");
  const auto [field, text] = refusal_of(models);
  EXPECT_EQ(field, "model");
  EXPECT_THAT(text, HasSubstr("such as " + (models / "a").string()));
}

TEST_F(ModelDir, AFileIsNoModel) {
  const fs::path file = folder_.path() / "model.gguf";
  write_file(file, "GGUF");
  const auto [field, text] = refusal_of(file);
  EXPECT_EQ(field, "model");
  EXPECT_THAT(text, HasSubstr("is a file"));
}

TEST_F(ModelDir, AFolderHasNoRevisions) {
  const fs::path model = folder_.path() / "model";
  fs::create_directories(model);
  write_file(model / "config.json", "{}");
  options_.revision = "main";
  const auto [field, text] = refusal_of(model);
  EXPECT_EQ(field, "revision");
  EXPECT_THAT(text, HasSubstr("Leave the revision 'main' out"));
}

TEST_F(ModelDir, ErrorsOfTheTokenizerNameItsOwnOptions) {
  options_.tokenizer_only = true;
  EXPECT_EQ(refusal_of("/no/such/folder").first, "tokenizer");
  EXPECT_THAT(refusal_of("/no/such/folder").second, HasSubstr("tokenizer.json"));
  options_.revision = "no such";
  EXPECT_EQ(refusal_of("org/tiny").first, "tokenizer_revision");
}

TEST_F(ModelDir, ARepositoryIsDownloadedIntoTheCacheLayout) {
  const fs::path snapshot = resolve();
  EXPECT_EQ(snapshot, repo_folder() / "snapshots" / hub_.commit);
  EXPECT_EQ(read_file(snapshot / "config.json"), "{}");
  EXPECT_EQ(read_file(snapshot / "model.safetensors"), hub_.files["model.safetensors"].content);
  EXPECT_TRUE(fs::is_symlink(snapshot / "model.safetensors"));
  EXPECT_EQ(fs::canonical(snapshot / "model.safetensors"), fs::canonical(weights_blob()));
  EXPECT_EQ(read_file(repo_folder() / "refs/main"), hub_.commit);
  EXPECT_FALSE(fs::exists(snapshot / "README.md")) << "only what is needed";
}

TEST_F(ModelDir, TheCacheFolderComesFromTheEnvironment) {
  options_.download_dir.reset();
  EXPECT_EQ(resolve(), folder_.path() / "home/hub/models--org--tiny/snapshots" / hub_.commit);
}

TEST_F(ModelDir, WhatTheCacheHoldsIsNotDownloadedAgain) {
  resolve();
  const size_t num_before = hub_.requests().size();
  resolve();
  EXPECT_EQ(hub_.requests().size(), num_before + 1) << "one question which commit main is";
}

TEST_F(ModelDir, ACommitInTheCacheNeedsNoQuestion) {
  options_.revision = hub_.commit;
  resolve();
  const size_t num_before = hub_.requests().size();
  resolve();
  EXPECT_EQ(hub_.requests().size(), num_before);
}

TEST_F(ModelDir, ANewCommitSharesUnchangedBlobs) {
  resolve();
  hub_.commit = std::string(40, 'b');
  hub_.files["config.json"].content = R"({"new": true})";
  const fs::path snapshot = resolve();
  EXPECT_EQ(read_file(snapshot / "config.json"), R"({"new": true})");
  EXPECT_EQ(read_file(repo_folder() / "refs/main"), hub_.commit);
  EXPECT_EQ(hub_.num_requests("GET", "/storage/model.safetensors"), 1U);
}

TEST_F(ModelDir, ATagIsARevision) {
  hub_.revisions.insert("v1.0");
  options_.revision = "v1.0";
  resolve();
  EXPECT_EQ(read_file(repo_folder() / "refs/v1.0"), hub_.commit);
}

TEST_F(ModelDir, ShardsAreThoseOfTheIndex) {
  hub_.files.erase("model.safetensors");
  hub_.files["consolidated.safetensors"] = {.content = "the same again", .is_large = true};
  hub_.files["model-1.safetensors"] = {.content = "one", .is_large = true};
  hub_.files["model-2.safetensors"] = {.content = "two", .is_large = true};
  hub_.files["model.safetensors.index.json"] = {
      .content = R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})"};
  const fs::path snapshot = resolve();
  EXPECT_EQ(read_file(snapshot / "model-2.safetensors"), "two");
  EXPECT_FALSE(fs::exists(snapshot / "consolidated.safetensors"));
}

TEST_F(ModelDir, ATokenizersRepositoryIsTakenWithoutWeights) {
  options_.tokenizer_only = true;
  const fs::path snapshot = resolve();
  EXPECT_TRUE(fs::exists(snapshot / "tokenizer.json"));
  EXPECT_FALSE(fs::exists(snapshot / "model.safetensors"));
}

TEST_F(ModelDir, ProgressCountsAllBytesOfAFileUpToItsTotal) {
  HubProgress last;
  int num_calls = 0;
  options_.on_progress = [&](const HubProgress& progress) {
    if (progress.file == last.file) {
      EXPECT_GE(progress.done_bytes, last.done_bytes);
    }
    last = progress;
    ++num_calls;
  };
  resolve();
  EXPECT_EQ(last.file, "model.safetensors");
  EXPECT_EQ(last.total_bytes, 300'000);
  EXPECT_EQ(last.done_bytes, 300'000);
  EXPECT_GT(num_calls, 3);
}

TEST_F(ModelDir, ABrokenConnectionIsContinuedWhereItStopped) {
  hub_.num_drops = 3;
  const fs::path snapshot = resolve();
  EXPECT_EQ(hub_.num_drops, 0);
  EXPECT_EQ(read_file(snapshot / "model.safetensors"), hub_.files["model.safetensors"].content);
  const auto last = hub_.requests().back();
  EXPECT_EQ(last.target, "/storage/model.safetensors");
  ASSERT_TRUE(last.headers.contains("range"));
  EXPECT_EQ(last.headers.at("range"), "bytes=262500-") << "a half, a quarter and an eighth";
  EXPECT_FALSE(fs::exists(weights_blob().string() + ".incomplete"));
}

TEST_F(ModelDir, AnInterruptedDownloadIsContinuedByTheNextRun) {
  const std::string& content = hub_.files["model.safetensors"].content;
  write_file(weights_blob().string() + ".incomplete", content.substr(0, 100'000));
  const fs::path snapshot = resolve();
  EXPECT_EQ(read_file(snapshot / "model.safetensors"), content);
  EXPECT_EQ(hub_.requests().back().headers.at("range"), "bytes=100000-");
}

TEST_F(ModelDir, AServerThatCannotContinueSendsEverythingAgain) {
  const std::string& content = hub_.files["model.safetensors"].content;
  write_file(weights_blob().string() + ".incomplete", content.substr(0, 100'000));
  hub_.ignores_range = true;
  EXPECT_EQ(read_file(resolve() / "model.safetensors"), content);
}

TEST_F(ModelDir, ASpoiledPartIsThrownAwayAndTheFileDownloadedAnew) {
  write_file(weights_blob().string() + ".incomplete", std::string(100'000, 'x'));
  EXPECT_EQ(read_file(resolve() / "model.safetensors"), hub_.files["model.safetensors"].content);
  EXPECT_EQ(hub_.num_requests("GET", "/storage/model.safetensors"), 2U);
}

TEST_F(ModelDir, APartThatIsLongerThanTheFileIsThrownAway) {
  write_file(weights_blob().string() + ".incomplete", std::string(400'000, 'w'));
  EXPECT_EQ(read_file(resolve() / "model.safetensors"), hub_.files["model.safetensors"].content);
}

TEST_F(ModelDir, AFullDiskIsNoticedBeforeTheDownload) {
  hub_.files["model.safetensors"].announced_size = size_t{1} << 60;
  EXPECT_THAT(
      error_of_resolve<EnvironmentError>(),
      AllOf(HasSubstr("disk is full"), HasSubstr("--download-dir"))
  );
  EXPECT_EQ(hub_.num_requests("GET", "/storage/"), 0U);
}

TEST_F(ModelDir, ABusyHubIsAskedAgain) {
  hub_.num_busy = 3;
  EXPECT_TRUE(fs::exists(resolve() / "model.safetensors"));
  EXPECT_EQ(hub_.num_busy, 0);
}

TEST_F(ModelDir, AHubThatStaysBusyIsGivenUp) {
  hub_.num_busy = 1'000;
  options_.max_retries = 3;
  EXPECT_THAT(error_of_resolve<EnvironmentError>(), AllOf(HasSubstr("503"), HasSubstr("org/tiny")));
  EXPECT_EQ(hub_.requests().size(), 4U) << "one try and three more";
}

TEST_F(ModelDir, ContentThatIsNotTheAnnouncedOneIsRefusedAndRemoved) {
  const std::string wrong_digest(64, '0');
  hub_.files["model.safetensors"].announced_etag = wrong_digest;
  EXPECT_THAT(error_of_resolve<EnvironmentError>(), HasSubstr("damaged: SHA-256"));
  EXPECT_FALSE(fs::exists(repo_folder() / "blobs" / wrong_digest));
  EXPECT_EQ(fs::file_size(repo_folder() / "blobs" / (wrong_digest + ".incomplete")), 0U);
  EXPECT_FALSE(fs::exists(repo_folder() / "refs/main")) << "no half repository to load offline";
}

TEST_F(ModelDir, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../../evil.json", "/tmp/evil.json", "a/../../evil.json"}) {
    hub_.extra_names = {name};
    EXPECT_THAT(error_of_resolve<EnvironmentError>(), AllOf(HasSubstr("outside"), HasSubstr(name)));
  }
}

TEST_F(ModelDir, AnETagThatLeavesTheFolderIsRefused) {
  hub_.files["config.json"].announced_etag = "../../evil";
  EXPECT_THAT(error_of_resolve<EnvironmentError>(), HasSubstr("no usable ETag"));
}

TEST_F(ModelDir, AGatedRepositoryAsksForAToken) {
  hub_.required_token = "secret";
  EXPECT_THAT(
      error_of_resolve<InvalidArgument>(),
      AllOf(HasSubstr("org/tiny is gated"), HasSubstr("HF_TOKEN"))
  );
  options_.token = "wrong";
  EXPECT_THAT(error_of_resolve<InvalidArgument>(), HasSubstr("token given may not read it"));
}

TEST_F(ModelDir, TheTokenComesFromTheOptionTheEnvironmentOrTheTokenFile) {
  hub_.required_token = "secret";
  options_.token = "secret";
  EXPECT_NO_THROW(resolve());
  options_.token.reset();
  setenv("HF_TOKEN", "secret", 1);
  EXPECT_NO_THROW(resolve());
  unsetenv("HF_TOKEN");
  write_file(folder_.path() / "home/token", "secret\n");
  EXPECT_NO_THROW(resolve());
}

TEST_F(ModelDir, AnUnknownRepositoryIsNamed) {
  try {
    resolve_model_dir("org/missing", options_);
    FAIL() << "nothing was thrown";
  } catch (const InvalidArgument& error) {
    EXPECT_EQ(error.field(), "model");
    EXPECT_THAT(error.what(), HasSubstr("no folder 'org/missing' here and no such repository"));
  }
}

TEST_F(ModelDir, AnUnknownRevisionIsNamed) {
  options_.revision = "v9";
  EXPECT_THAT(error_of_resolve<InvalidArgument>(), HasSubstr("no branch, tag or commit 'v9'"));
}

TEST_F(ModelDir, WhatIsNeitherAFolderNorARepositoryNameIsRefusedWithoutAQuestion) {
  for (const char* name :
       {"", "/no/such/folder", "a/b/c", "../a", "a--b/c", "org/na me", ".hidden"}) {
    EXPECT_THROW(resolve_model_dir(name, options_), InvalidArgument) << name;
  }
  options_.revision = "../main";
  EXPECT_THROW(resolve(), InvalidArgument);
  EXPECT_TRUE(hub_.requests().empty());
}

TEST_F(ModelDir, ARepositoryWithoutSafetensorsIsRefused) {
  hub_.files.erase("model.safetensors");
  hub_.files["pytorch_model.bin"] = {.content = "pickle", .is_large = true};
  EXPECT_THAT(error_of_resolve<InvalidArgument>(), HasSubstr("no .safetensors weights"));
}

TEST_F(ModelDir, OfflineUsesTheCacheAndAsksNobody) {
  const fs::path snapshot = resolve();
  const size_t num_before = hub_.requests().size();
  setenv("HF_HUB_OFFLINE", "1", 1);
  EXPECT_EQ(resolve(), snapshot);
  EXPECT_EQ(hub_.requests().size(), num_before);
}

TEST_F(ModelDir, OfflineNamesWhatTheCacheLacks) {
  setenv("HF_HUB_OFFLINE", "1", 1);
  EXPECT_THAT(
      error_of_resolve<EnvironmentError>(),
      AllOf(HasSubstr("HF_HUB_OFFLINE"), HasSubstr("no revision 'main'"))
  );
  unsetenv("HF_HUB_OFFLINE");
  resolve();
  fs::remove(weights_blob());
  setenv("HF_HUB_OFFLINE", "1", 1);
  EXPECT_THAT(error_of_resolve<EnvironmentError>(), HasSubstr("lacks *.safetensors"));
}

TEST_F(ModelDir, WithoutAConnectionTheCacheIsUsed) {
  const fs::path snapshot = resolve();
  hub_.num_busy = 1'000;
  options_.max_retries = 1;
  EXPECT_EQ(resolve(), snapshot);
}

TEST_F(ModelDir, TwoDownloadsAtOnceShareOne) {
  fs::path first;
  std::thread other([&] { first = resolve(); });
  const fs::path second = resolve();
  other.join();
  EXPECT_EQ(first, second);
  EXPECT_EQ(hub_.num_requests("GET", "/storage/model.safetensors"), 1U);
}

}  // namespace
}  // namespace quire
