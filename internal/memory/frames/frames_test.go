package frames_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

type recorded struct {
	Name      string
	Issuer    string
	Reference string `json:"invocation_reference"`
	Job       string
	Access    string `json:"access_reference"`
	Signed    string `json:"signed_bytes_hex"`
	Signature string `json:"signature_hex"`
	Frame     string
	Frames    []string
}

func vectors(t *testing.T) []recorded {
	t.Helper()
	data, err := os.ReadFile("testdata/invocations.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []recorded }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Vectors
}

func TestRecordedInvocations(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, v := range vectors(t) {
		if v.Frame != "" {
			v.Frames = []string{v.Frame}
		}
		for _, frame := range v.Frames {
			seen++
			r, err := frames.ParseRequest([]byte(frame))
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
				continue
			}
			if err := r.Verify(); err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
			if got := hex.EncodeToString(merkle.Refer(r.Access).Bytes()); got != v.Signed {
				t.Errorf("%s: signed bytes %s, want %s", v.Name, got, v.Signed)
			}
			if got := hex.EncodeToString(r.Signature); got != v.Signature {
				t.Errorf("%s: signature %s, want %s", v.Name, got, v.Signature)
			}
			if r.Iss != v.Issuer || v.Job != "" && r.Job() != v.Job || v.Reference != "" && r.Ref.String() != v.Reference {
				t.Errorf("%s: issuer %s, job %s", v.Name, r.Iss, r.Job())
			}
		}
	}
	if seen < 9 {
		t.Fatalf("only %d frames were recorded", seen)
	}
}

// What the original's client wrote is what we write.
func TestSignWritesWhatTheOriginalWrote(t *testing.T) {
	t.Parallel()
	service := identity.Service()
	seen := 0
	for _, v := range vectors(t) {
		if v.Frame == "" || v.Issuer != service.DID() {
			continue
		}
		seen++
		r, err := frames.ParseRequest([]byte(v.Frame))
		if err != nil {
			t.Fatal(err)
		}
		i := frames.NewInvocation(r.Cmd, r.Sub, r.Iss, r.Args, time.Unix(1742900009, 0), "")
		if got := string(frames.Sign(i, service)); got != v.Frame {
			t.Errorf("%s:\n%s\nwant\n%s", v.Name, got, v.Frame)
		}
	}
	if seen == 0 {
		t.Fatal("none is of the service's identity")
	}
}

func signed(t *testing.T) string {
	t.Helper()
	key := identity.FromPassphrase("frames")
	args := jsontext.NewObject()
	args.Set("select", jsontext.NewObject())
	return string(frames.Sign(frames.NewInvocation(frames.Query, key.DID(), key.DID(), args, time.Unix(1e9, 0), "n"), key))
}

func TestWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	good := signed(t)
	for name, text := range map[string]string{
		"nothing":         "",
		"not JSON":        "{bad",
		"null":            "null",
		"a list":          "[]",
		"empty":           "{}",
		"two of them":     good + "\n" + good,
		"no signature":    strings.Replace(good, `"signature"`, `"sign"`, 1),
		"number as bytes": strings.Replace(good, `"bytes":"`, `"bytes":1,"x":"`, 1),
		"bad base64":      strings.Replace(good, `"bytes":"`, `"bytes":"*`, 1),
		"url-safe base64": strings.Replace(good, `"bytes":"`, `"bytes":"_-`, 1),
		"too deep":        strings.Replace(good, `"prf":[]`, `"prf":`+strings.Repeat("[", 600)+strings.Repeat("]", 600), 1),
		"not UTF-8":       strings.Replace(good, `"prf":[]`, `"prf":"`+"\xff"+`"`, 1),
	} {
		if _, err := frames.ParseRequest([]byte(text)); !errors.Is(err, frames.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNotAuthorized(t *testing.T) {
	t.Parallel()
	good := signed(t)
	stranger := identity.FromPassphrase("stranger").DID()
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"as signed":        {good, nil},
		"padded":           {strings.Replace(good, `"}}}}`, `=="}}}}`, 1), nil},
		"changed":          {strings.Replace(good, `"nonce":"n"`, `"nonce":"m"`, 1), frames.ErrNotIncluded},
		"falsy access":     {strings.Replace(good, `:{}},"signature"`, `:0},"signature"`, 1), frames.ErrNotIncluded},
		"longer access":    {strings.Replace(good, `:{}},"signature"`, `:{},"x":{}},"signature"`, 1), frames.ErrSignature},
		"short signature":  {strings.Replace(good, `"bytes":"`, `"bytes":"AA`, 1), frames.ErrSignature},
		"no access at all": {strings.Replace(good, `"access"`, `"acces"`, 1), frames.ErrNotIncluded},
	} {
		r, err := frames.ParseRequest([]byte(c.text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := r.Verify(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// A signature of one, in the name of another.
	key := identity.FromPassphrase("frames")
	for iss, want := range map[string]error{stranger: frames.ErrSignature, "did:web:x": frames.ErrIssuer, "": frames.ErrIssuer} {
		i := frames.NewInvocation(frames.Query, key.DID(), iss, jsontext.NewObject(), time.Unix(1e9, 0), "")
		r, err := frames.ParseRequest(frames.Sign(i, key))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Verify(); !errors.Is(err, want) {
			t.Errorf("issuer %q: %v, want %v", iss, err, want)
		}
	}
}

func TestMessagesOfAServer(t *testing.T) {
	t.Parallel()
	ok, err := frames.ParseMessage(frames.Return("job:x", []byte(`{"ok":{"a":1}}`)))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := ok.Result(); err != nil || jsontext.Text(v) != `{"a":1}` || ok.Of != "job:x" {
		t.Errorf("got %v, %v of %s", v, err, ok.Of)
	}
	refused, err := frames.ParseMessage(frames.Return(`job:"`, []byte(`{"error":{"name":"ConflictError","message":"m","conflict":{}}}`)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = refused.Result()
	if e, is := errors.AsType[*frames.Error](err); !is || e.Name != frames.ConflictError || e.Message != "m" || refused.Of != `job:"` {
		t.Errorf("got %v of %s", err, refused.Of)
	}
	effect, err := frames.ParseMessage(frames.Effect("job:y", []byte(`{"cmd":"/memory/transact"}`)))
	if err != nil || effect.The != frames.EffectOf || jsontext.Text(effect.Is) != `{"cmd":"/memory/transact"}` {
		t.Errorf("got %+v, %v", effect, err)
	}
	for _, text := range []string{"", "{}", `{"the":"task/return","of":"x"}`, `{"the":"task/other","of":"x","is":{}}`} {
		if _, err := frames.ParseMessage([]byte(text)); err == nil {
			t.Errorf("%q is a message", text)
		}
	}
}

// Whatever arrives is refused or understood, and what is understood is printed
// and read again the same (but for numbers beyond a double, which JSON cannot say).
func FuzzParseRequest(f *testing.F) {
	key := identity.FromPassphrase("fuzz")
	args := jsontext.NewObject()
	args.Set("changes", jsontext.NewObject())
	f.Add(frames.Sign(frames.NewInvocation(frames.Transact, key.DID(), key.DID(), args, time.Unix(1e9, 0), ""), key))
	f.Add([]byte(`{"invocation":{"exp":1e999},"authorization":{"signature":{"/":{"bytes":""}},"access":{}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := frames.ParseRequest(data)
		if err != nil {
			return
		}
		_ = r.Verify()
		_, _ = r.Time("exp")
		again, err := jsontext.Parse(jsontext.Append(nil, r.Object), jsontext.DefaultLimits)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if text := jsontext.Text(r.Object); jsontext.Text(again) != text {
			t.Fatalf("%q is printed as %s and read again as %s", data, text, jsontext.Text(again))
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add(frames.Return("job:x", []byte(`{"ok":{}}`)))
	f.Add(frames.Return("job:x", []byte(`{"error":{"name":"ConflictError"}}`)))
	f.Add(frames.Effect("job:x", []byte(`{}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := frames.ParseMessage(data); err == nil && m.The == frames.ReturnOf {
			_, _ = m.Result()
		}
	})
}
