package bunker

import "os" // want "floor 1 may not import os"

func read() { os.Remove("x") }
