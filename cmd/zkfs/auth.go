package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
)

// authVariable is the environment variable that holds credentials.
const authVariable = "ZKFS_AUTH"

// credentials returns those of the environment and of the file, if one is named. They are never part of an error.
func credentials(c *cli.Context, in *inputs) ([]zk.Credential, error) {
	list, err := parseCredentials("environment variable "+authVariable, string(in.Auth))
	file := c.String("auth-file")
	if err != nil || file == "" {
		return list, err
	}
	text, err := in.file(c, "auth-file", isSecret)
	if err != nil {
		return nil, err
	}
	more, err := parseCredentials("--auth-file "+file, string(text))
	if err == nil && len(more) == 0 {
		err = usagef("--auth-file %s: no credentials in it", file).hinting(credentialHint)
	}
	return append(list, more...), err
}

const credentialHint = "as in digest:USER:PASSWORD"

// parseCredentials reads a credential from each line that is not empty and no comment (#). A line
// ends in \n or \r\n; the blanks before that are part of the credential.
func parseCredentials(from, text string) ([]zk.Credential, error) {
	var list []zk.Credential
	number := 0
	for line := range strings.Lines(text) {
		number++
		if ended, ok := strings.CutSuffix(line, "\n"); ok {
			line = strings.TrimSuffix(ended, "\r")
		}
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		scheme, auth, ok := strings.Cut(line, ":")
		if !ok || scheme == "" || auth == "" {
			return nil, usagef("%s: line %d is not of the form scheme:credentials", from, number).hinting(credentialHint)
		}
		list = append(list, zk.Credential{Scheme: scheme, Auth: []byte(auth)})
	}
	return list, nil
}
