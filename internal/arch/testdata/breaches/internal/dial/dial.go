package dial

import _ "example/internal/relay" // want "edges never import each other"
