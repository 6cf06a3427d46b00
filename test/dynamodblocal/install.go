package dynamodblocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Install puts DynamoDB Local into a folder as LocalStack 4.14.0 expects it there, so that
// it downloads nothing: DynamoDBLocal.jar, whose main class is Loopback, the libraries
// beside it, and in place of its agent one that does nothing.
func Install(ctx context.Context, dir string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	jars, err := fetch(ctx, root)
	if err != nil {
		return fmt.Errorf("fetch DynamoDB Local: %w", err)
	}
	lib := filepath.Join(dir, "DynamoDBLocal_lib")
	if err := os.CopyFS(lib, os.DirFS(jars)); err != nil {
		return err
	}
	entries, err := os.ReadDir(lib)
	if err != nil {
		return err
	}
	var path strings.Builder // lines of a manifest hold 72 bytes
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".jar") {
			path.WriteString("\n  " + "DynamoDBLocal_lib/" + e.Name())
		}
	}
	engine := "Main-Class: Loopback\nClass-Path: ." + path.String() + "\n"
	agent := "Premain-Class: Nothing\n"
	java := filepath.Join(root, "test", "emulators", "java", "Nothing.java")
	return errors.Join(
		pack(ctx, filepath.Join(dir, "DynamoDBLocal.jar"), engine, filepath.Join(root, source, "Loopback.java"), lib),
		pack(ctx, filepath.Join(dir, "ddb-local-loader-0.1.jar"), agent, java, lib),
	)
}

// pack compiles a class and puts it into a jar.
func pack(ctx context.Context, jar, manifest, java, lib string) error {
	work, err := os.MkdirTemp("", "jar")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // temporary
	about := filepath.Join(work, "manifest")
	classes := filepath.Join(work, "classes")
	if err := os.WriteFile(about, []byte(manifest), 0o600); err != nil {
		return err
	}
	for _, c := range [][]string{
		{"javac", "-cp", filepath.Join(lib, "*"), "-d", classes, java},
		{"jar", "--create", "--file", jar, "--manifest", about, "-C", classes, "."},
	} {
		if out, err := exec.CommandContext(ctx, c[0], c[1:]...).CombinedOutput(); err != nil { //nolint:gosec // G204: our own arguments
			return fmt.Errorf("%s: %w\n%s", c[0], err, out)
		}
	}
	return nil
}
