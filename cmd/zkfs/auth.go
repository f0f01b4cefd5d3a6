package main

import (
	"io"
	"os"
	"strings"
)

// authVariable is the environment variable that holds credentials.
const authVariable = "ZKFS_AUTH"

// A credential is what a session proves its identity with.
type credential struct {
	scheme string
	auth   string // secret
}

// credentials returns those of the environment and of the file, if one is named. They are never part of an error.
func credentials(environ, file string) ([]credential, error) {
	list, err := parseCredentials("environment variable "+authVariable, environ)
	if err != nil || file == "" {
		return list, err
	}
	f, err := openSecret("--auth-file", file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, usagef("--auth-file: %s", plain(err))
	}
	more, err := parseCredentials("--auth-file "+file, string(text))
	return append(list, more...), err
}

// openSecret opens the file that a flag names, if nobody else may read it.
func openSecret(flag, name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usagef("%s: %s", flag, plain(err))
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = usagef("%s: %s", flag, plain(err))
	case info.Mode()&0o077 != 0:
		err = usagef("%s %s: other users may access it (mode %04o)", flag, name, info.Mode().Perm()).hinting("chmod 600 " + name)
	default:
		return f, nil
	}
	f.Close()
	return nil, err
}

// parseCredentials reads a credential from each line that is not empty and no comment (#).
func parseCredentials(from, text string) ([]credential, error) {
	var list []credential
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		scheme, auth, ok := strings.Cut(line, ":")
		if !ok || scheme == "" || auth == "" {
			return nil, usagef("%s: line %d is not of the form scheme:credentials", from, number).hinting("as in digest:USER:PASSWORD")
		}
		list = append(list, credential{scheme, auth})
	}
	return list, nil
}
