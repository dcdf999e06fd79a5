package config

// The files of a data directory, beside the token that package client names. The
// database has others next to it.
const (
	DatabaseFile = "charmd.db"
	OperatorFile = "operator.key" // PKCS #8; the spaces' names are made with it
	VaultFile    = "vault.key"    // the keys that secrets are sealed with, one a line
)
