// Package text is policies as people read and write them: the TOML form, the
// check of every rule that comes in (from TOML or JSON), a sentence for each
// rule, the difference of two policies and whether it widens, and the ready-made
// policies. It decides nothing: internal/policy does.
//
// What it holds for every rule that [Check] lets pass: Parse of Print gives the
// same rule, and Print of Parse gives the same text.
package text

import "nsecbunker/internal/policy"

// The bounds, each with its test.
const (
	// MaxText is the size in bytes of the longest policy as text: a thousand rules
	// of three hundred bytes fit.
	MaxText = 512 << 10
	// MaxRules is how many rules a policy may have.
	MaxRules = policy.MaxRules
	// MaxItems is how many entries a list in a rule may have.
	MaxItems = 256
	// MaxID is the length of the longest rule id, in bytes.
	MaxID = 64
	// MaxName is the length of the longest name of a policy, in bytes.
	MaxName = 64
	// MaxDescription is the length of the longest description, in characters.
	MaxDescription = 1000
	// MaxNote is the length of the longest note on a rule, in characters.
	MaxNote = 500
	// MaxTagName is the length of the longest name of a tag, in bytes.
	MaxTagName = 64
	// MaxValue is the size of the longest value of a tag, in bytes; a relay's
	// address and a long URL fit.
	MaxValue = 1024
	// MaxWord is the length of the longest word that content is searched for, in
	// characters.
	MaxWord = 100
	// MaxPattern is the size of the longest regular expression, in bytes.
	MaxPattern = policy.MaxPattern
	// MaxPatternSize is how many instructions a regular expression may compile to:
	// RE2 takes time in proportion to it, and "{1000}" makes much of little.
	MaxPatternSize = 2000
	// MaxPatterns is how many rules of a policy may have a regular expression: each
	// reads the whole content, of an event that the app chooses.
	MaxPatterns = policy.MaxPatterns
	// MaxBudgets is how many rules of a policy may have a budget.
	MaxBudgets = policy.MaxBudgets
	// MaxLength is the largest length that content may be held against, in
	// characters: more than any relay takes.
	MaxLength = 1 << 20
	// MaxTagCount is the largest number of tags that a rule may name.
	MaxTagCount = 100_000
	// MaxPeriod is the longest time of "for" and "skew", in seconds: ten years.
	MaxPeriod = 3660 * 24 * 3600
	// MaxUses is the largest number of a budget.
	MaxUses = 1_000_000_000
	// MaxQuorum is the largest number of approvers that a rule may ask for.
	MaxQuorum = 32
	// MaxYear is the last year in which a rule may expire.
	MaxYear = 9999
	// MaxProblems is how many problems are told at once.
	MaxProblems = 100
)
