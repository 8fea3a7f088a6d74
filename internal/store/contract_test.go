package store

import (
	"testing"
)

// opener gives a test its own store, set up, with the committer running.
type opener func(t testing.TB) *fixture

// contract is what every engine must keep: each test runs with a store of its
// own.
var contract = []struct {
	name string
	test func(t *testing.T, f *fixture)
}{
	{"ViewIsWholeForAKnownClient", viewKnownClient},
	{"ViewOfAStrangerHasNoConnection", viewStranger},
	{"ViewWhileSealedIsUnverified", viewSealed},
	{"AnAppOfAnotherTenantIsAStranger", viewOfAnotherTenant},
	{"ALinkIsLaterThanARevocationWithoutATime", linkAfterUndated},
	{"ListsFailWhileSealed", listsSealed},
	{"EveryTouchedFieldOfAuthorityIsRefused", touchedFields},
	{"AnotherRowsMACIsRefused", swappedMACs},

	{"CommitStoresRequestRecordAndReply", commitStores},
	{"TheSameEventIsAnsweredOnce", sameEventOnce},
	{"StaleRequestsAreNotStored", staleRequests},
	{"ADecisionOnOldVersionsIsMadeAnew", oldVersions},
	{"EveryActMovesTheDecisionsBeforeIt", actsMove},
	{"ABudgetIsSpentExactly", budgetExactly},
	{"ATokenIsRedeemedExactly", tokenExactly},
	{"ARefusedEntryLeavesNoTrace", refusedNoTrace},
	{"OneBadEntryHurtsNoOther", badEntryAlone},
	{"BugsInEntriesAreRefused", badEntries},
	{"AMethodOfAnyNameIsRecorded", anyMethod},
	{"NoAllowFollowsARevocation", revocationOrder},
	{"SealedTenantsCommitRefusals", sealedCommit},

	{"EveryVersionOfAPolicyStays", policyVersions},
	{"AnEditOfAPolicyMovesTheDecisionsBeforeIt", policyView},
	{"ATouchedPolicyIsRefused", policyTampered},
	{"WhatIsUnderAPolicyIsCounted", policyUsers},
	{"ABudgetsWindowIsChargedExactly", chargesExactly},
	{"AChargeThatFailsMovesTheDecision", chargesMove},
	{"WindowsAreForgottenAfterTheirTime", budgetsPruned},
	{"UsesOfABudgetAreRememberedAsTheyAre", usesAreRememberedAsTheyAre},
	{"ARestoreSpendsTheBudgetsThatRun", restoredBudgets},
	{"EveryGrantThatWasNeededIsSpent", spendsAll},
	{"OfManyWhoComeAtOnceOneGetsTheLastSeat", lastSeat},
	{"ASeatIsAPersonsWithAllItsApps", seatOfPerson},
	{"ASeatIsFreeAfterItsDays", seatDays},
	{"ALowerQuotaTakesNobodysSeat", seatsLowered},
	{"WithoutAQuotaNoSeatIsCounted", seatsUnlimited},
	{"AParkedRequestKeepsTheRelayThatBroughtIt", parkedLink},

	{"FaultsAtEachStatementLeaveNothing", faultsEachStatement},
	{"AnUnknownCommitIsReadBack", unknownCommit},
	{"FaultsInChangesLeaveNothing", faultsInChanges},

	{"AQuestionIsAnsweredOnce", answeredOnce},
	{"AnAnswerIsAboutWhatWasShown", answerShown},
	{"OneOpenQuestionForOneOperation", oneOpenQuestion},
	{"ANewerRequestTakesTheQuestionOver", joinedQuestion},
	{"AParkedRequestIsAnsweredOnce", replayOnce},
	{"QuestionsExpireWithARecord", questionsExpire},
	{"WithdrawingEndsQuestionsAndOnceGrants", withdrawing},
	{"LogoutWithdraws", logoutWithdraws},
	{"DenialsAreCounted", denialsCounted},
	{"ABurstIsOneBatch", burstIsOneBatch},
	{"StrangersQuestionsAreBoundedInTheCommit", knocksBounded},
	{"TextsToEncryptAreErasedAfterTheAnswer", textsErased},

	{"ATouchedChannelIsNotUsed", touchedChannel},
	{"ASourceIsToldOnceInAChannel", sourceOnce},
	{"NoticesThatWaitAreBounded", noticesBounded},
	{"WhatHappenedIsReadFromAPlaceOn", happenedFrom},
	{"ACodeIsUsedOnce", codeOnce},
	{"AChannelGoesWithItsNotices", channelGoes},

	{"OnlyUndeliveredRepliesAreDue", dueReplies},
	{"ADeliveryIsOfItsOwnRequest", deliveredByNumber},
	{"WhatIsDueOfOneTenantHidesNoOthers", dueInTurn},
	{"RepliesBackOffAndAreGivenUp", backOffAndGiveUp},
	{"AuthURLsAreSentUntilARelayHasThem", authURLs},
	{"PruningKeepsWhatCouldComeAgain", pruning},
	{"WhatCannotBeJudgedAgainIsForgotten", forgettingParked},

	{"AVersionIsKeptAfterTheOneThatItWasComparedWith", versionsInOrder},
	{"TheCurrentVersionIsTheOneThatRelaysHold", versionsCurrent},
	{"SoManyVersionsAreKeptAndNoMore", versionsBounded},
	{"SoManyBytesOfVersionsAreKeptAndNoMore", versionBytesBounded},
	{"AFloodOfOtherEventsWashesNoListAway", versionFlood},
	{"SmallStepsAreCountedFromWhatAPersonSaw", versionsSeen},
	{"VersionsAreFoundByTheirEvent", versionsFound},
	{"VersionsAreErasedWithTheirKey", versionsErased},

	{"AChangeNeedsItsRecord", changeNeedsRecord},
	{"AChangeIsWholeOrNotAtAll", changeWhole},
	{"VersionsGuardChanges", versionsGuard},
	{"PubkeysAreUniqueAcrossRoles", uniquePubkeys},
	{"DeletingAKeyEndsItsConnectionsAndTokens", deletingKey},
	{"RowsGetTheirMACAtSetUp", setUpMACs},
	{"StoppingLocksAndSuspends", stopping},
	{"AStopOrderedWhileSealedHolds", stopSealed},
	{"ARestoreOpensANewIncarnation", restoring},
	{"LedgerTimeNeverGoesBack", ledgerTime},
	{"RowsWithoutAuthority", plainRows},
	{"ListsHavePages", pages},

	{"TheChainIsWhole", chainWhole},
	{"ATouchedChainIsNamed", chainTouched},
	{"RecordsAreFiltered", recordsFiltered},
	{"ATenantIsMadeWholeOrNotAtAll", tenantWhole},
	{"TenantsTouchEachOtherNowhere", tenantsApart},
	{"TenantsAreOpenedTogetherAndEachForItself", openedTogether},
	{"TenantsThatChangeTogetherAllHaveTheirRecord", changedTogether},
	{"TenantsAnnounceThemselvesTogether", announcedTogether},
	{"AParcelThatWasChangedBringsNothing", badParcels},
	{"AnotherWritesWhileALogIsTakenIn", logsApart},
	{"HowATenantStandsMovesTheDecisionsBeforeIt", standingMoves},

	{"CheckFindsNothingInASoundStore", soundStore},

	{"AnOrderIsKeptWithItsPayments", orderKept},
	{"AnOrderIsPaidAndMadeOnce", orderMadeOnce},
	{"ATouchedOrderIsRefused", orderTouched},
	{"OrdersThatWaitAreBounded", orderBounds},
	{"OrdersThatBroughtNothingAreForgotten", ordersPruned},
	{"PlansKeepTheirVersion", plansGuarded},
}

// testContract runs the contract on an engine.
func testContract(t *testing.T, open opener) {
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	testContract(t, newFixture)
}
