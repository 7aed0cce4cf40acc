#include "hub/hub_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/temporary_folder.h"

namespace quire {
namespace {

namespace fs = std::filesystem;
using test::read_file;
using test::TemporaryFolder;
using test::write_file;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kCommit(40, 'a');

TEST(HubCache, FoldersAreNamedAsHuggingFaceNamesThem) {
  const HubCache cache("/c", "org/name");
  EXPECT_EQ(cache.folder(), "/c/models--org--name");
  EXPECT_EQ(cache.snapshot("abc"), "/c/models--org--name/snapshots/abc");
  EXPECT_EQ(cache.blob("e"), "/c/models--org--name/blobs/e");
  EXPECT_EQ(cache.lock_file("e"), "/c/.locks/models--org--name/e.lock");
  EXPECT_EQ(HubCache("/c", "name").folder(), "/c/models--name");
}

TEST(HubCache, ARevisionStandsForTheCommitThatWasWritten) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path(), "org/name");
  EXPECT_EQ(cache.commit_of("main"), std::nullopt);
  cache.set_commit_of("main", kCommit);
  cache.set_commit_of("refs/pr/1", kCommit);
  EXPECT_EQ(cache.commit_of("main"), kCommit);
  EXPECT_EQ(read_file(cache.folder() / "refs/main"), kCommit);
  EXPECT_EQ(cache.commit_of("refs/pr/1"), kCommit);
  EXPECT_EQ(cache.commit_of(kCommit), kCommit) << "a commit stands for itself";
}

TEST(HubCache, ASpoiledRefIsAsGoodAsNone) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path(), "org/name");
  write_file(cache.folder() / "refs/main", "../../elsewhere");
  EXPECT_EQ(cache.commit_of("main"), std::nullopt);
}

TEST(HubCache, ASnapshotMadeByHandMayHaveAnyName) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path(), "org/name");
  write_file(cache.folder() / "refs/main", "abc123");
  EXPECT_EQ(cache.commit_of("main"), std::nullopt) << "there is no such snapshot yet";
  write_file(cache.snapshot("abc123") / "config.json", "{}");
  EXPECT_EQ(cache.commit_of("main"), "abc123");
  EXPECT_EQ(cache.commit_of("abc123"), "abc123");
}

TEST(HubCache, SnapshotsLinkToBlobsByRelativePaths) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path(), "org/name");
  write_file(cache.blob("e1"), "content");
  cache.link_file(kCommit, "sub/a.json", "e1");
  EXPECT_EQ(fs::read_symlink(cache.snapshot(kCommit) / "sub/a.json"), "../../../blobs/e1");
  EXPECT_EQ(read_file(cache.snapshot(kCommit) / "sub/a.json"), "content");
  EXPECT_TRUE(cache.has_file(kCommit, "sub/a.json"));
}

TEST(HubCache, ALinkToALostBlobIsNoFile) {
  const TemporaryFolder folder;
  const HubCache cache(folder.path(), "org/name");
  write_file(cache.blob("e1"), "content");
  cache.link_file(kCommit, "a.json", "e1");
  fs::remove(cache.blob("e1"));
  EXPECT_FALSE(cache.has_file(kCommit, "a.json"));
}

TEST(HubCache, WhatASnapshotLacksIsNamed) {
  const TemporaryFolder folder;
  const fs::path snapshot = folder.path() / "snapshot";
  EXPECT_THAT(missing_files(snapshot, false), ElementsAre("config.json", "*.safetensors"));
  write_file(snapshot / "config.json", "{}");
  write_file(
      snapshot / "model.safetensors.index.json",
      R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})"
  );
  write_file(snapshot / "1.safetensors", "x");
  EXPECT_THAT(missing_files(snapshot, false), ElementsAre("2.safetensors"));
  write_file(snapshot / "2.safetensors", "x");
  EXPECT_THAT(missing_files(snapshot, false), IsEmpty());
  EXPECT_THAT(missing_files(snapshot, true), ElementsAre("tokenizer.json"));
}

}  // namespace
}  // namespace quire
