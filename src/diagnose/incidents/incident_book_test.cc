#include "diagnose/incidents/incident_book.h"

#include <gtest/gtest.h>

#include <random>

#include "base/testing/repetitions.h"

namespace rankscope::diagnose {
namespace {

constexpr base::TimeNs kStart = 1'700'000'000 * base::kNsPerSecond;
constexpr int64_t kMinute = 60 * base::kNsPerSecond;

// A kind of finding, as a rule makes it.
struct Kind {
  const char* rule;
  const char* finding_class;
  const char* role;
  detect::Severity severity;
};
constexpr Kind kOom = {"CudaOutOfMemory", "log_pattern", "cause", detect::Severity::kCritical};
constexpr Kind kTimeout = {"NcclTimeout", "network", "symptom", detect::Severity::kCritical};
constexpr Kind kPeerClosed = {"PeerClosed", "network", "cascade", detect::Severity::kCritical};
constexpr Kind kSlow = {"ThroughputCollapse", "throughput_drop", "", detect::Severity::kWarning};
constexpr Kind kHot = {"GpuHot", "thermal", "", detect::Severity::kWarning};
constexpr Kind kSpike = {"LossSpike", "loss_spike", "", detect::Severity::kWarning};
constexpr Kind kSilent = {"HeartbeatLost", "heartbeat_lost", "", detect::Severity::kCritical};
constexpr Kind kNote = {"LossPlateau", "loss_plateau", "", detect::Severity::kInfo};
constexpr Kind kRate = {"LearningRateLeavesSchedule", "lr_mismatch", "", detect::Severity::kWarning};

detect::Finding Make(const Kind& kind, base::TimeNs after, std::optional<int32_t> rank = {}) {
  detect::Finding finding;
  finding.rule = kind.rule;
  finding.finding_class = kind.finding_class;
  finding.role = kind.role;
  finding.severity = kind.severity;
  finding.job = "j";
  finding.time = kStart + after;
  finding.scope.rank = rank;
  if (rank) finding.scope.node_rank = *rank / 8;
  finding.message = std::string(kind.rule) + (rank ? " on rank " + std::to_string(*rank) : "");
  finding.id = detect::FindingId(finding);
  return finding;
}

detect::Finding Over(detect::Finding finding, base::TimeNs after) {
  finding.active = false;
  finding.ended = kStart + after;
  return finding;
}

class IncidentBookTest : public testing::Test {
 protected:
  Incident Get(const std::string& id) {
    Incident last;
    for (const Incident& incident : versions_) {
      if (incident.id == id) last = incident;
    }
    for (const Incident& incident : book_.TakeTouched()) now_[incident.id] = incident;
    return now_.contains(id) ? now_[id] : last;
  }
  Change LastChange() const { return versions_.back().change; }

  std::vector<Incident> versions_;
  std::map<std::string, Incident> now_;
  IncidentBook book_{"p", [this](const Incident& incident) { versions_.push_back(incident); }};
};

TEST_F(IncidentBookTest, OfRanksThatAreSilentTogetherTheFirstIsNotSingledOut) {
  std::string id = book_.Take(Make(kSilent, 0, 2));
  EXPECT_EQ(Get(id).title, "HeartbeatLost on rank 2");
  EXPECT_EQ(book_.Take(Make(kSilent, 1, 0)), id);
  book_.Take(Make(kSilent, 1, 1));
  EXPECT_EQ(Get(id).title, "ranks 0-2 are silent, and none is singled out");
}

TEST_F(IncidentBookTest, AThousandRanksWithTheSameTroubleAreOneIncident) {
  IncidentBook::Past past;
  past.world_size = 1024;
  book_.Restore("j", std::move(past));
  std::string id = book_.Take(Make(kOom, 0, 371));
  for (int32_t rank = 0; rank < 8; ++rank) EXPECT_EQ(book_.Take(Make(kOom, rank + 1, rank)), id);
  EXPECT_EQ(WhereOf(Get(id)), "ranks 0-7,371 (9 of 1024)");
  for (int32_t rank = 8; rank < 1024; ++rank) EXPECT_EQ(book_.Take(Make(kOom, rank + 1, rank)), id);
  EXPECT_EQ(Get(id).ranks.ToText(), "0-1023");
  EXPECT_EQ(versions_.size(), 11U) << "opened, then told at 2, 4, 8 … 1024 ranks";
  EXPECT_EQ(LastChange(), Change::kGrown);
  EXPECT_EQ(book_.active(), 1025U) << "rank 371 twice";
}

TEST_F(IncidentBookTest, WhatACauseBringsAboutIsPartOfIt) {
  std::string id = book_.Take(Make(kOom, 0, 3));
  EXPECT_EQ(book_.Take(Make(kTimeout, kMinute)), id);
  EXPECT_EQ(book_.Take(Make(kPeerClosed, kMinute, 5)), id) << "of another rank, since all wait for each other";
  EXPECT_EQ(book_.Take(Make(kSlow, kMinute)), id);
  Incident incident = Get(id);
  EXPECT_EQ(incident.title, "CudaOutOfMemory on rank 3");
  EXPECT_EQ(incident.ranks.ToText(), "3") << "who has the trouble, not who suffers from it";
  EXPECT_EQ(incident.members.size(), 4U);
  EXPECT_EQ(incident.members.front().rule, "CudaOutOfMemory");
  EXPECT_EQ(incident.members.back().rule, "PeerClosed");
  EXPECT_EQ(versions_.size(), 1U) << "nobody hears of symptoms apart";
}

TEST_F(IncidentBookTest, ACauseThatComesLaterTakesOver) {
  std::string id = book_.Take(Make(kSlow, 0));
  EXPECT_EQ(book_.Take(Make(kHot, kMinute, 3)), id);
  Incident incident = Get(id);
  EXPECT_EQ(LastChange(), Change::kCauseFound);
  EXPECT_EQ(incident.version, 2U);
  EXPECT_EQ(incident.incident_class, "thermal");
  EXPECT_EQ(incident.title, "GpuHot on rank 3");
  EXPECT_EQ(incident.started, kStart);
  EXPECT_EQ(incident.members.size(), 2U);
}

TEST_F(IncidentBookTest, ATimedOutCollectiveIsJudgedByWhenItWasEntered) {
  std::string id = book_.Take(Make(kOom, 0, 3));
  detect::Finding timeout = Make(kTimeout, 50 * kMinute);
  model::Record& line = timeout.evidence.emplace_back();
  line.time = timeout.time;
  line.text = "Timeout(ms)=3000000) ran for 2990000 milliseconds before timing out.";
  EXPECT_EQ(book_.Take(Over(Make(kOom, 0, 3), 10 * kMinute)), id);
  EXPECT_EQ(book_.Take(timeout), id);
  EXPECT_EQ(Get(id).state, IncidentState::kPotential) << "it goes on";
  EXPECT_EQ(LastChange(), Change::kReopened);
  EXPECT_NE(book_.Take(Make(kSlow, 90 * kMinute)), "");
}

TEST_F(IncidentBookTest, OneLineThatTwoRulesSpeakOfIsOneIncident) {
  constexpr Kind kOwn = {"MyOom", "log_pattern", "", detect::Severity::kWarning};
  detect::Finding shipped = Make(kOom, 0, 3), own = Make(kOwn, 0, 3), elsewhere = Make(kOwn, 0, 9);
  model::Record& line = shipped.evidence.emplace_back();
  line.time = kStart;
  line.seq = 7;
  line.origin.rank = 3;
  line.text = "torch.OutOfMemoryError: CUDA out of memory.";
  own.evidence = elsewhere.evidence = shipped.evidence;
  elsewhere.evidence[0].seq = 8;
  std::string id = book_.Take(shipped);
  EXPECT_EQ(book_.Take(own), id);
  EXPECT_EQ(Get(id).rule, "CudaOutOfMemory");
  EXPECT_EQ(Get(id).members.size(), 2U);
  EXPECT_EQ(book_.Take(elsewhere), id) << "the same rule, further ranks";
}

TEST_F(IncidentBookTest, ARecordOfNumbersMakesNoIncidentOfTwoTroubles) {
  detect::Finding hot = Make(kHot, 0, 3), spike = Make(kSpike, 0, 3);
  model::Record& record = hot.evidence.emplace_back();
  record.text = "step 7 loss 9.1 temperature 93";
  record.fields = {{"loss", 9.1}};
  spike.evidence = hot.evidence;
  EXPECT_NE(book_.Take(hot), book_.Take(spike));
}

TEST_F(IncidentBookTest, WhatHasNothingToDoWithItStaysApart) {
  std::string oom = book_.Take(Make(kOom, 0, 3));
  EXPECT_NE(book_.Take(Make(kSpike, kMinute)), oom) << "memory makes no loss spike";
  EXPECT_NE(book_.Take(Make(kHot, kMinute, 5)), oom);
  detect::Finding other = Make(kTimeout, kMinute);
  other.job = "k";
  EXPECT_NE(book_.Take(other), oom);
  EXPECT_EQ(versions_.size(), 4U);
}

TEST_F(IncidentBookTest, OneCauseOfTwoIncidentsMakesThemOne) {
  constexpr Kind kXid = {"Xid", "log_pattern", "cause", detect::Severity::kCritical};
  std::string speed = book_.Take(Make(kSlow, 0));
  std::string loss = book_.Take(Make(kSpike, 1));
  ASSERT_NE(speed, loss);
  EXPECT_EQ(book_.Take(Make(kXid, kMinute)), speed);
  Incident superseded = Get(loss);
  EXPECT_EQ(superseded.superseded_by, speed);
  EXPECT_EQ(superseded.state, IncidentState::kResolved);
  EXPECT_EQ(Get(speed).members.size(), 3U);
  EXPECT_EQ(book_.Take(Over(Make(kSpike, 1), 2 * kMinute)), speed) << "its findings end in the other";
  EXPECT_EQ(book_.Decide("j", loss, {"ann", "", kStart}, IncidentState::kConfirmed).status().message(),
            "incident " + loss + " was superseded by " + speed);
}

TEST_F(IncidentBookTest, WhatSomebodyHasDecidedOrTakenIsNotSuperseded) {
  constexpr Kind kXid = {"Xid", "log_pattern", "cause", detect::Severity::kCritical};
  std::string speed = book_.Take(Make(kSlow, 0));
  std::string loss = book_.Take(Make(kSpike, 1));
  ASSERT_TRUE(book_.Acknowledge("j", loss, {"ann", "on it", kStart}, 0).ok());
  EXPECT_EQ(book_.Take(Make(kXid, kMinute)), speed);
  EXPECT_EQ(Get(loss).superseded_by, "");
}

TEST_F(IncidentBookTest, IsResolvedWhenAllIsOverAndReopensWithinTheWindow) {
  std::string id = book_.Take(Make(kSlow, 0, 1));
  book_.Take(Make(kSlow, 1, 2));
  book_.Take(Over(Make(kSlow, 0, 1), kMinute));
  EXPECT_EQ(Get(id).state, IncidentState::kPotential);
  book_.Take(Over(Make(kSlow, 1, 2), 2 * kMinute));
  EXPECT_EQ(Get(id).state, IncidentState::kResolved);
  EXPECT_EQ(Get(id).ended, kStart + 2 * kMinute);
  EXPECT_EQ(book_.Take(Make(kSlow, 12 * kMinute, 1)), id);
  EXPECT_EQ(LastChange(), Change::kReopened);
  EXPECT_EQ(Get(id).state, IncidentState::kPotential);
  book_.Take(Over(Make(kSlow, 12 * kMinute, 1), 13 * kMinute));
  EXPECT_NE(book_.Take(Make(kSlow, 24 * kMinute, 1)), id);
}

TEST_F(IncidentBookTest, ADecisionStaysWithAResolvedOne) {
  std::string id = book_.Take(Make(kSlow, 0, 1));
  ASSERT_TRUE(book_.Decide("j", id, {"ann", "the switch", kStart}, IncidentState::kConfirmed).ok());
  EXPECT_EQ(Get(id).state, IncidentState::kConfirmed);
  book_.Take(Over(Make(kSlow, 0, 1), kMinute));
  EXPECT_EQ(Get(id).state, IncidentState::kResolved);
  EXPECT_EQ(Get(id).decision.note, "the switch");
  book_.Take(Make(kSlow, 2 * kMinute, 1));
  EXPECT_EQ(Get(id).state, IncidentState::kConfirmed) << "it is what it was said to be";
}

TEST_F(IncidentBookTest, WhatWasDismissedIsNotToldAgainUnlessItGetsWorse) {
  std::string id = book_.Take(Make(kSlow, 0, 1));
  ASSERT_TRUE(book_.Decide("j", id, {"ann", "a drill", kStart}, IncidentState::kDismissed).ok());
  EXPECT_EQ(book_.Take(Make(kSlow, kMinute, 2)), id);
  EXPECT_EQ(versions_.size(), 2U);
  EXPECT_EQ(Get(id).ranks.ToText(), "1-2");
  EXPECT_NE(book_.Take(Make(kHot, kMinute, 1)), id) << "that cause was not known";
  std::string other = book_.Take(Make(kTimeout, kMinute));
  EXPECT_NE(other, id);
}

TEST_F(IncidentBookTest, AnAcknowledgementEndsWhenItGetsWorse) {
  std::string id = book_.Take(Make(kHot, 0, 1));
  ASSERT_TRUE(book_.Acknowledge("j", id, {"ann", "on it", kStart}, 0).ok());
  book_.Take(Make(kHot, 1, 2));
  EXPECT_TRUE(Get(id).acknowledgement.has_value()) << "twice as many is not more than that";
  book_.Take(Make(kHot, 2, 3));
  EXPECT_FALSE(Get(id).acknowledgement.has_value());
  EXPECT_EQ(LastChange(), Change::kAcknowledgementEnded);
  ASSERT_TRUE(book_.Acknowledge("j", id, {"ann", "on it", kStart}, 0).ok());
  book_.Take(Make(kHot, 3, 9));
  EXPECT_FALSE(Get(id).acknowledgement.has_value()) << "another node";
  ASSERT_TRUE(book_.Acknowledge("j", id, {"ann", "on it", kStart}, kStart + kMinute).ok());
  book_.Advance("j", kStart + kMinute - 1);
  EXPECT_TRUE(Get(id).acknowledgement.has_value());
  book_.Advance("j", kStart + kMinute);
  EXPECT_FALSE(Get(id).acknowledgement.has_value());
  ASSERT_TRUE(book_.Resolve("j", id, {"ann", "cooled", kStart}).ok());
  EXPECT_FALSE(book_.Acknowledge("j", id, {"ann", "", kStart}, 0).ok());
  EXPECT_FALSE(book_.Acknowledge("j", "i-none", {"ann", "", kStart}, 0).ok());
}

TEST_F(IncidentBookTest, ANoteThatGoesOnForLongTakesNoLaterAlarm) {
  std::string note = book_.Take(Make(kNote, 0));
  EXPECT_NE(book_.Take(Make(kSpike, 60 * kMinute)), note);
  std::string rate = book_.Take(Make(kRate, 61 * kMinute));
  EXPECT_NE(rate, note);
  EXPECT_EQ(Get(rate).incident_class, "lr_mismatch");
}

TEST_F(IncidentBookTest, TheSameFindingAgainChangesNothing) {
  std::string id = book_.Take(Make(kSlow, 0, 1));
  EXPECT_EQ(book_.Take(Make(kSlow, 0, 1)), id);
  EXPECT_EQ(Get(id).members[0].findings, 1);
  EXPECT_EQ(versions_.size(), 1U);
}

// Findings of all kinds and people's words, by seed.
class Story {
 public:
  // `homes`: gets where active findings are.
  Story(unsigned seed, std::map<std::string, std::string>* homes) : random_(seed), homes_(homes) {}

  void Step(IncidentBook* book, const std::vector<Incident>& versions) {
    now_ += static_cast<int64_t>(random_() % 90) * base::kNsPerSecond;
    unsigned what = random_() % 10;
    if (what < 6 || open_.empty()) return Begin(book);
    if (what < 9) return End(book);
    Say(book, versions);
  }

 private:
  void Begin(IncidentBook* book) {
    static const Kind kKinds[] = {kOom, kTimeout, kPeerClosed, kSlow, kHot, kSpike, kNote, kRate};
    std::optional<int32_t> rank;
    if (random_() % 3 > 0) rank = static_cast<int32_t>(random_() % 64);
    detect::Finding finding = Make(kKinds[random_() % std::size(kKinds)], now_, rank);
    (*homes_)[finding.id] = book->Take(finding);
    open_.push_back(finding);
  }
  void End(IncidentBook* book) {
    size_t which = random_() % open_.size();
    book->Take(Over(open_[which], now_));
    homes_->erase(open_[which].id);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  void Say(IncidentBook* book, const std::vector<Incident>& versions) {
    const std::string& id = versions[random_() % versions.size()].id;
    IncidentBook::Word word{"ann", "so", kStart + now_};
    unsigned what = random_() % 4;
    if (what == 0) std::ignore = book->Acknowledge("j", id, word, kStart + now_ + kMinute);
    if (what == 1) std::ignore = book->Decide("j", id, word, IncidentState::kConfirmed);
    if (what == 2) std::ignore = book->Decide("j", id, word, IncidentState::kDismissed);
    if (what == 3) std::ignore = book->Resolve("j", id, word);
    book->Advance("j", kStart + now_);
  }

  std::mt19937 random_;
  std::map<std::string, std::string>* homes_;
  int64_t now_ = 0;
  std::vector<detect::Finding> open_;
};

// What the catalog keeps: incidents as JSON, and where active findings are.
class Kept {
 public:
  void Save(IncidentBook* book) {
    for (const Incident& incident : book->TakeTouched()) {
      if (!rows_.contains(incident.id)) order_.push_back(incident.id);
      std::string json;
      AppendJson(incident, &json);
      rows_[incident.id] = json;
      for (auto& [finding, home] : homes_) {
        if (home == incident.id && !incident.superseded_by.empty()) home = incident.superseded_by;
      }
    }
  }
  std::map<std::string, std::string>* homes() { return &homes_; }
  IncidentBook::Past Load() const {
    IncidentBook::Past past;
    for (const std::string& id : order_) past.incidents.push_back(*IncidentFromJson(rows_.at(id)));
    for (const auto& [finding, incident] : homes_) past.active.emplace_back(finding, incident);
    return past;
  }

 private:
  std::map<std::string, std::string> rows_, homes_;
  std::vector<std::string> order_;
};

TEST(IncidentBookRestart, GivesTheSameIncidentsWhereverItIsCut) {
  for (unsigned seed = 0; seed < base::Repetitions(500U); ++seed) {
    std::vector<Incident> whole, cut;
    IncidentBook one("p", [&](const Incident& incident) { whole.push_back(incident); });
    std::map<std::string, std::string> homes;
    Kept kept;
    Story story(seed, &homes), again(seed, kept.homes());
    auto sink = [&](const Incident& incident) { cut.push_back(incident); };
    auto two = std::make_unique<IncidentBook>("p", sink);
    for (int step = 0; step < 60; ++step) {
      story.Step(&one, whole);
      again.Step(two.get(), cut);
      kept.Save(two.get());
      if ((seed + static_cast<unsigned>(step)) % 7 != 0) continue;
      two = std::make_unique<IncidentBook>("p", sink);
      two->Restore("j", kept.Load());
    }
    ASSERT_EQ(whole, cut) << "seed " << seed;
    ASSERT_GE(whole.size(), 5U);
  }
}

TEST_F(IncidentBookTest, AStormStaysWithinItsBounds) {
  for (int i = 0; i < base::Repetitions(100'000); ++i) {
    std::string rule = "rule" + std::to_string(i % 5000);
    Kind kind = {rule.c_str(), "custom", "cause", detect::Severity::kCritical};
    detect::Finding finding = Make(kind, i * base::kNsPerMs, i % 1024);
    book_.Take(finding);
    book_.Take(Over(finding, i * base::kNsPerMs + 1));
    versions_.clear();
    if (i % 1000 > 0) continue;
    for (const Incident& one : book_.TakeTouched()) ASSERT_LE(one.members.size(), IncidentBook::kMostMembers + 1);
  }
  EXPECT_EQ(book_.active(), 0U);
  EXPECT_LE(book_.known(), IncidentBook::kMostOpen + IncidentBook::kMostClosed);
}

}  // namespace
}  // namespace rankscope::diagnose
