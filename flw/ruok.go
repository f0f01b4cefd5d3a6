package flw

// ParseRuok reports whether a reply to ruok says that the server's process runs ("imok"). It does
// not say that the server serves: one without a quorum answers so too, as does one that still starts.
func ParseRuok(reply string) bool {
	return reply == "imok"
}
