package bunker
