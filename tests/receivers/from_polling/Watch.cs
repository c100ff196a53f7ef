using System;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;

class Program
{
    static async Task Watch(string videoId)
    {
        var body = $"{{\"video_id\": \"{videoId}\", \"metadata\": {{\"user\": \"7\"}}}}";
        var json = new StringContent(body, Encoding.UTF8, "application/json");
        var answer = await new HttpClient().PostAsync("http://127.0.0.1:8787/v1/watches", json);
        answer.EnsureSuccessStatusCode();
        Console.WriteLine($"{videoId} is watched");
    }

    static void Main() => Watch("video_68f10985d6c4819097007665bdcfba5f").GetAwaiter().GetResult();
}
