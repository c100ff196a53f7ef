// Verifies and stores notifier's events, whatever the web framework.
// $WEBHOOK_SECRETS has the secret, or two separated by a space while one replaces the other.
// $INBOX is the folder of events, one file each; an empty file has been worked on.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

public static class Inbox
{
    const long Tolerance = 5 * 60;

    static readonly byte[][] Secrets = Environment.GetEnvironmentVariable("WEBHOOK_SECRETS")
        .Split(' ').Select(word => Convert.FromBase64String(word.Replace("whsec_", ""))).ToArray();

    static readonly string Folder =
        Directory.CreateDirectory(Environment.GetEnvironmentVariable("INBOX") ?? "inbox").FullName;

    public static bool Verified(string id, string timestamp, string signatures, byte[] body)
    {
        if (!Regex.IsMatch(id, @"\A[A-Za-z0-9_-]{1,100}\z")) return false;
        if (!Regex.IsMatch(timestamp, @"\A[0-9]{1,12}\z")) return false;
        var age = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - long.Parse(timestamp);
        if (Math.Abs(age) > Tolerance) return false;
        var signed = Encoding.UTF8.GetBytes($"{id}.{timestamp}.").Concat(body).ToArray();
        foreach (var secret in Secrets)
        {
            string expected;
            using (var hmac = new HMACSHA256(secret))
                expected = "v1," + Convert.ToBase64String(hmac.ComputeHash(signed));
            if (signatures.Split(' ').Any(given => Equal(given, expected))) return true;
        }
        return false;
    }

    // As CryptographicOperations.FixedTimeEquals, which .NET Framework does not have.
    static bool Equal(string one, string other)
    {
        var difference = one.Length ^ other.Length;
        for (var i = 0; i < one.Length && i < other.Length; i++) difference |= one[i] ^ other[i];
        return difference == 0;
    }

    public static void Store(string id, byte[] body)
    {
        var path = Path.Combine(Folder, id + ".json");
        var temporary = Path.Combine(Folder, Guid.NewGuid().ToString());
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew))
            {
                file.Write(body, 0, body.Length);
                file.Flush(true);
            }
            File.Move(temporary, path);
        }
        catch (IOException) when (File.Exists(path))
        {
            // it was here already: a repetition
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    // Hands over what is stored; call it once at a time, at the start and now and then.
    public static void Work(Action<string> handle)
    {
        foreach (var path in Directory.GetFiles(Folder, "*.json"))
        {
            try
            {
                var body = File.ReadAllText(path);
                if (body == "") continue;
                handle(body);
                File.WriteAllText(path, ""); // its name stays, so that a repetition is known
            }
            catch (Exception error)
            {
                Console.Error.WriteLine($"{path} is tried again: {error}");
            }
        }
    }
}
