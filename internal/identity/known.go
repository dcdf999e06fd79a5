package identity

// The DIDs of the identities whose passphrases the original publishes: anyone
// can sign as these.
const (
	ServiceDID            = "did:key:z6MksHnZGdHxNoCqcC3kPvBSo2goCzLSWheQ8LrVpAtQwgwW"
	AnonymousDID          = "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY"
	SystemSpaceDID        = "did:key:z6Mkfuw7h6jDwqVb6wimYGys14JFcyTem4Kqvdj9DjpFhY88"
	DefaultRemoteSpaceDID = "did:key:z6Mko2qR9b8mbdPnaEKXvcYwdK7iDnRkh8mEcEP2719aCu6P"
)

// ServicePassphrase is the original's default for OPERATOR_PASS and
// IDENTITY_PASSPHRASE.
const ServicePassphrase = "implicit trust"

// Service is the identity that original servers let into every space.
func Service() *Key { return FromPassphrase(ServicePassphrase) }

// Anonymous is who signs when nobody logged in.
func Anonymous() *Key { return FromPassphrase("common user") }

// SystemSpace owns the space that holds the background registry.
func SystemSpace() *Key { return Anonymous().Derive("toolshed-system") }

// DefaultRemoteSpace owns the space a remote provider uses when none is given.
func DefaultRemoteSpace() *Key { return FromPassphrase("common knowledge") }
