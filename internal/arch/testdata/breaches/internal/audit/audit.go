package audit

import _ "golang.org/x/text/unicode/norm" // want "internal/audit does not name golang.org/x/text"
