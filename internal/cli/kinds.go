package cli

// kindName is what people call a kind of event, "" for those that have no common
// name. After the table of kinds in the NIPs' README.
func kindName(kind int64) string {
	switch kind {
	case 0:
		return "profile"
	case 1:
		return "note"
	case 3:
		return "follow list"
	case 4:
		return "direct message, old form"
	case 5:
		return "deletion"
	case 6, 16:
		return "repost"
	case 7:
		return "reaction"
	case 8:
		return "badge award"
	case 9:
		return "chat message"
	case 13:
		return "sealed message"
	case 14:
		return "direct message"
	case 15:
		return "file message"
	case 20:
		return "picture"
	case 21, 22:
		return "video"
	case 62:
		return "request to vanish: final"
	case 1059, 21059:
		return "gift wrap"
	case 1063:
		return "file"
	case 1111:
		return "comment"
	case 1311:
		return "live chat"
	case 1984:
		return "report"
	case 1985:
		return "label"
	case 9041:
		return "zap goal"
	case 9734:
		return "zap request"
	case 9802:
		return "highlight"
	case 10000:
		return "mute list"
	case 10001:
		return "pinned notes"
	case 10002:
		return "relay list"
	case 10003:
		return "bookmarks"
	case 10050:
		return "direct-message relays"
	case 10063:
		return "file server list"
	case 13194, 23194, 23195, 23196, 23197:
		return "wallet"
	case 22242:
		return "login to a relay"
	case 24133:
		return "remote-signing message"
	case 24134:
		return "login to a bunker as administrator"
	case 24242:
		return "file server login"
	case 27235:
		return "login to a website"
	case 30000:
		return "follow set"
	case 30008:
		return "profile badges"
	case 30023:
		return "article"
	case 30024:
		return "draft article"
	case 30078:
		return "app data"
	case 30311:
		return "live event"
	case 31922, 31923:
		return "calendar event"
	case 31989, 31990:
		return "app recommendation"
	case 34550:
		return "community"
	}
	return ""
}
