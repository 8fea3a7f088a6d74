module example/conformance
