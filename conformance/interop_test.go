package conformance

// The raw suite: what a bunker must do on the wire, spoken by hand (conformance/wire) against the real binary over real
// sockets, for what no library sends. It lives in interop_test.go, interop_*_test.go, adversarial_test.go and
// adversarial_*_test.go. The numbers are those of the design's interop page.
//
//	point                          test
//	 1  Envelope                   TestInterop01Envelope
//	 2  connect                    TestInterop02Connect
//	 3  connect again              TestInterop03Again
//	 4  nostrconnect://            TestInterop04Nostrconnect
//	 5  reply shape                TestInterop05ReplyShape (every refusal × both envelopes)
//	 6  one reply                  TestInterop06OneReply
//	 7  switch_relays              TestInterop07SwitchRelays
//	 8  methods without a grant    TestInterop08NoGrantNeeded
//	 9  sign_event                 TestInterop09SignEvent
//	10  freshness                  TestInterop10Freshness
//	11  URIs                       TestInterop11URIs
//	12  messages without a method  TestInterop12NoMethod
//	13  auth_url                   TestInterop13AuthURL
//	14  legacy login by npub       TestInterop14LegacyLogin
//	15  large replies              TestInterop15LargeReplies
//	16  bulk                       TestInterop16Bulk
//	17  relays                     TestInterop17Relays (a scripted relay, and khatru)
//
//	bad input                      test
//	garbage, oversized             TestAdversarialGarbage
//	forged, forged copy first      TestAdversarialForged
//	replayed: at once, later, across a restart    TestAdversarialReplayed
//	stale and future               TestAdversarialClocks
//	wrongly encrypted              TestAdversarialEncryption
//	wrong types in JSON            TestAdversarialJSON
//	hostile URIs and metadata      TestAdversarialURIs
//	the same request id of two clients            TestAdversarialSameRequestID
//	two relays at once             TestAdversarialTwoRelays
//	1,000 pings, 500 decrypts at once             TestAdversarialThousandPings, TestAdversarialFiveHundredDecrypts
//	10,000 stranger keys           TestAdversarialStrangerFlood
//	a stranger learns nothing      TestAdversarialStrangerSilence
//	a relay that lies              TestAdversarialRelay*
