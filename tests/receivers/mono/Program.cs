// Puts csharp/Inbox.cs behind HttpListener, since ASP.NET Core does not run on mono.
using System;
using System.IO;
using System.Net;
using System.Text.RegularExpressions;
using System.Threading;

static class Program
{
    static void Main()
    {
        var worker = new Thread(() => { while (true) { Inbox.Work(Handle); Thread.Sleep(200); } });
        worker.IsBackground = true;
        worker.Start();
        var server = new HttpListener();
        server.Prefixes.Add($"http://127.0.0.1:{Environment.GetEnvironmentVariable("PORT")}/");
        server.Start();
        while (true)
        {
            var context = server.GetContext();
            var headers = context.Request.Headers;
            var body = new MemoryStream();
            context.Request.InputStream.CopyTo(body);
            var id = headers["webhook-id"] ?? "";
            var verified = Inbox.Verified(id, headers["webhook-timestamp"] ?? "",
                headers["webhook-signature"] ?? "", body.ToArray());
            if (verified) Inbox.Store(id, body.ToArray());
            context.Response.StatusCode = verified ? 204 : 401;
            context.Response.Close();
        }
    }

    static void Handle(string body)
    {
        var id = Regex.Match(body, "\"data\":{\"id\":\"([^\"]+)").Groups[1];
        var type = Regex.Match(body, "\"type\":\"([^\"]+)").Groups[1].Value;
        Console.WriteLine(type == "video.completed" ? $"{id} is ready: {body}"
            : type == "video.failed" ? $"{id} failed: {body}" : $"{id} has no video: {type}");
    }
}
